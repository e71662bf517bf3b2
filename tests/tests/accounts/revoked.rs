//! Who comes back with a resume token, and who does not any more.

use crate::{
    cheap, code, config,
    operator::{Place, ask, ban, delete, passwd},
    secret,
};
use malpan_client::{Client, ClientError};
use malpan_e2e::{MemoryServer, TestServer, name, within};
use malpan_protocol::{DenialCode, JoinTarget, ResumeToken, Resumed};
use std::{net::IpAddr, time::Duration};
use tokio::time::sleep;

/// Longer than any test: nobody is gone because it took so long.
const GRACE: Duration = Duration::from_secs(600);

fn server(place: &Place) -> TestServer {
    TestServer::start(|config| {
        cheap(config);
        config.control = place.path().display().to_string().parse().unwrap();
        config.limits.resume_grace = GRACE;
    })
    .unwrap()
}

/// Registered, on a board, and with a token.
async fn player(server: &TestServer, who: &str) -> (Client, ResumeToken) {
    let mut client = server.connect().await.unwrap();
    client.register(name(who), secret("correct horse")).await.unwrap();
    client.join(JoinTarget::Any).await.unwrap();
    let token = client.token().unwrap().clone();
    (client, token)
}

async fn resume(server: &TestServer, token: &ResumeToken) -> Result<(Client, Resumed), ClientError> {
    let mut client = server.connect().await?;
    let resumed = client.resume(token.clone(), None).await?;
    Ok((client, resumed))
}

async fn until(it_is_so: impl Fn() -> bool) {
    within(async {
        while !it_is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_away_does_not_come_back_to_an_account_that_was_changed_meanwhile() {
    for change in [passwd, ban, delete] {
        let place = Place::new();
        let server = server(&place);
        let (ann, anns) = player(&server, "Ann").await;
        let (bob, bobs) = player(&server, "Bob").await;
        drop((ann, bob));
        until(|| server.host().away() == 2).await;
        let done = ask(&place.path(), change("ann")).await;
        assert_eq!(server.host().away(), 1, "{done}");
        until(|| server.host().seats_taken() == 1).await;
        assert_eq!(code(resume(&server, &anns).await), DenialCode::ResumeRefused, "{done}");
        resume(&server, &bobs).await.expect("nothing was done to Bob");
    }
}

/// Whoever changes the password because somebody knows it wants them out when they next lose the connection at the latest.
#[tokio::test]
async fn who_is_there_while_the_password_is_changed_stays_and_does_not_come_back() {
    let place = Place::new();
    let server = server(&place);
    let (mut ann, token) = player(&server, "Ann").await;
    assert_eq!(ask(&place.path(), passwd("Ann")).await, "Ann has another password");
    assert_eq!(code(resume(&server, &token).await), DenialCode::ResumeRefused);
    ann.leave().await.expect("she plays on");
    drop(ann);
    until(|| server.host().signed_in() == 0).await;
    assert_eq!(server.host().away(), 0);
    assert_eq!(code(resume(&server, &token).await), DenialCode::ResumeRefused);
    let mut again = server.connect().await.unwrap();
    assert_eq!(code(again.login(name("Ann"), secret("correct horse")).await), DenialCode::WrongCredentials);
}

/// From everywhere, and from the owner's own address too.
#[tokio::test(start_paused = true)]
async fn failed_sign_ins_of_others_never_keep_the_owner_from_coming_back() {
    let mut config = config();
    config.accounts.allow_plain_passwords = true;
    config.limits.exempt_addresses.clear();
    config.limits.sign_in_within = GRACE;
    config.limits.sign_in_attempts = 1000;
    let mut server = MemoryServer::new(config, 2);
    let home = IpAddr::from([192, 0, 2, 1]);
    server.come_from(home);
    let mut ann = server.connect().await.unwrap();
    ann.register(name("Ann"), secret("correct horse")).await.unwrap();
    ann.join(JoinTarget::Any).await.unwrap();
    let token = ann.token().unwrap().clone();
    drop(ann);
    for attacker in (0..30_u8).map(|last| IpAddr::from([198, 51, 100, last])).chain([home]) {
        server.come_from(attacker);
        let mut client = server.connect().await.unwrap();
        let mut last = DenialCode::WrongCredentials;
        for _ in 0..40 {
            last = code(client.login(name("Ann"), secret("wrong horse")).await);
        }
        assert_eq!(last, DenialCode::TooSoon, "{attacker} is made to wait");
    }
    // At home nobody could sign in now; with the token it is not asked.
    let mut ann = server.connect().await.unwrap();
    assert_eq!(code(ann.login(name("Ann"), secret("correct horse")).await), DenialCode::TooSoon);
    let resumed = ann.resume(token, None).await.unwrap();
    assert_eq!(resumed.name, name("Ann"));
    assert_eq!((server.host().away(), server.host().seats_taken()), (0, 1), "in her seat");
}
