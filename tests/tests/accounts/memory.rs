//! The rules, seen by clients.

use crate::{code, config, denied, secret};
use malpan_client::{ClientError, Room};
use malpan_e2e::{MemoryServer, name};
use malpan_protocol::{DenialCode, JoinTarget, KickReason, LeaveReason, ServerPacket};

#[tokio::test(start_paused = true)]
async fn an_account_keeps_its_name_and_number_from_one_sign_in_to_the_next() {
    let mut server = MemoryServer::new(config(), 2);
    let mut ann = server.connect().await.unwrap();
    let (number, _) = ann.register(name("Ann"), secret("correct horse")).await.unwrap();
    ann.bye().await.unwrap();
    let mut guest = server.connect().await.unwrap();
    assert_eq!(code(guest.sign_in_guest(name("aNN")).await), DenialCode::NameTaken);
    assert_eq!(code(guest.register(name("ANN"), secret("another one")).await), DenialCode::NameTaken);
    assert_eq!(code(guest.login(name("Ann"), secret("another one")).await), DenialCode::WrongCredentials);
    assert_eq!(guest.login(name("ann"), secret("correct horse")).await.unwrap(), (number, name("Ann")));
}

#[tokio::test(start_paused = true)]
async fn an_account_is_signed_in_once_and_the_newest_wins() {
    let mut server = MemoryServer::new(config(), 2);
    let (mut witness, mut view) = server.player("witness").await.unwrap();
    let mut older = server.connect().await.unwrap();
    older.register(name("Ann"), secret("correct horse")).await.unwrap();
    older.join(JoinTarget::Any).await.unwrap();
    let mut newer = server.connect().await.unwrap();
    newer.login(name("Ann"), secret("correct horse")).await.unwrap();
    // The older one is out of its room before the newer one is answered: it finds its seat free.
    let joined = newer.join(JoinTarget::Room(view.id())).await.unwrap();
    assert_eq!(joined.members.len(), 2);
    let told = loop {
        if let ServerPacket::Kicked { reason } = older.next().await.unwrap() {
            break reason;
        }
    };
    assert_eq!(told, KickReason::SignedInElsewhere);
    assert!(matches!(older.next().await, Err(ClientError::Closed)));
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let packet = witness.next().await.unwrap();
        view.apply(&packet).unwrap();
        match packet {
            ServerPacket::Entered(entered) => seen.push(format!("{} came", entered.member.name)),
            ServerPacket::Left(left) => {
                assert_eq!(left.reason, LeaveReason::Kicked);
                seen.push("Ann went".into());
            }
            _ => {}
        }
    }
    assert_eq!(seen, ["Ann came", "Ann went", "Ann came"]);
    assert_eq!(server.host().signed_in(), 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_use_up_the_tries_and_make_wait() {
    let mut server = MemoryServer::new(config(), 1);
    server.connect().await.unwrap().register(name("Ann"), secret("correct horse")).await.unwrap();
    let mut guesser = server.connect().await.unwrap();
    for _ in 0..4 {
        assert_eq!(code(guesser.login(name("Ann"), secret("wrong horse")).await), DenialCode::WrongCredentials);
    }
    // What is not looked at is no try of the connection's ten.
    for _ in 0..20 {
        let (code, why) = denied(guesser.login(name("Ann"), secret("wrong horse")).await);
        assert_eq!((code, why.as_str()), (DenialCode::TooSoon, "too many tries; wait for 1 s"));
    }
    let mut others = 0;
    let last = loop {
        match code(guesser.login(name(&format!("other {others}")), secret("wrong horse")).await) {
            DenialCode::WrongCredentials => others += 1,
            other => break other,
        }
    };
    assert_eq!((others, last), (5, DenialCode::TooManyAttempts));
    assert!(matches!(guesser.next().await, Err(ClientError::Closed)));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let mut owner = server.connect().await.unwrap();
    owner.login(name("Ann"), secret("correct horse")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn where_sign_in_is_required_guests_are_told_so_and_accounts_play() {
    let mut config = config();
    config.accounts.require_login = true;
    let mut server = MemoryServer::new(config, 1);
    let mut client = server.connect().await.unwrap();
    assert_eq!(code(client.sign_in_guest(name("Ann")).await), DenialCode::SignInRequired);
    client.register(name("Ann"), secret("correct horse")).await.unwrap();
    let joined = client.join(JoinTarget::Any).await.unwrap();
    Room::<malpan_client::BoardView>::new(&joined).unwrap();
}

/// These streams are not encrypted.
#[tokio::test(start_paused = true)]
async fn a_password_that_others_could_read_on_its_way_is_refused_unless_the_operator_allows_it() {
    for allowed in [false, true] {
        let mut config = config();
        config.accounts.allow_plain_passwords = allowed;
        let mut server = MemoryServer::new(config, 1);
        server.connect().await.unwrap().register(name("Ann"), secret("correct horse")).await.unwrap();
        server.come_from([192, 0, 2, 1].into());
        let mut far = server.connect().await.unwrap();
        let (register, login) = (
            far.register(name("Bob"), secret("correct horse")).await,
            server.connect().await.unwrap().login(name("Ann"), secret("correct horse")).await,
        );
        if allowed {
            assert!(register.is_ok() && login.is_ok(), "{register:?}, {login:?}");
            continue;
        }
        assert_eq!(code(register), DenialCode::Insecure);
        let (code, reason) = denied(login);
        assert_eq!(code, DenialCode::Insecure);
        assert!(reason.contains("TLS"), "it says what to do: {reason}");
        far.sign_in_guest(name("Bob")).await.expect("guests have no password, and nobody is registered as Bob");
    }
}
