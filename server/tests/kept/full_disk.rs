//! A disk that takes no more: whoever wants an account is told to try again, players play on, and all is well when there is
//! room again.

use crate::{
    Place, connect, name, names_in,
    running::{Running, within},
    secret,
};
use malpan_client::{Client, ClientError};
use malpan_protocol::{ChatText, DenialCode, Direction, JoinTarget, ServerPacket};
use rlimit::{INFINITY, Resource, prlimit};
use std::{fs, path::PathBuf, process::Command, time::Duration};
use tokio::time::sleep;

/// The system lets no file grow: as good as a full disk, and without a right to mount one.
#[tokio::test]
async fn where_no_file_may_grow_players_play_on_and_sign_ins_work_again_later() {
    let place = Place::new();
    let server = Running::that_survives_the_limit_of_files(&place.arguments()).until_ready().await;
    let pid = server.id().try_into().unwrap();
    // Soft, so that it can be raised again.
    let limit = move |bytes| prlimit(pid, Resource::FSIZE, Some((bytes, INFINITY)), None).unwrap();
    all_goes_on(&place, server, || limit(1024), || limit(INFINITY)).await;
}

#[tokio::test]
#[ignore = "mounts a small disk, as root"]
async fn where_a_small_disk_is_full_players_play_on_and_sign_ins_work_again_later() {
    let place = Place::new();
    let _disk = Mounted::at(place.data());
    let server = Running::command(&place.arguments()).until_ready().await;
    let ballast = place.data().join("ballast");
    let fill = || {
        // As much as there is place for.
        let _ = fs::write(&ballast, vec![1; 8 << 20]);
    };
    all_goes_on(&place, server, fill, || fs::remove_file(&ballast).unwrap()).await;
}

/// `fill` fills the disk, `free` makes room again.
async fn all_goes_on(place: &Place, mut server: Running, fill: impl FnOnce(), free: impl FnOnce()) {
    let address = server.addresses()[0].to_string();
    let mut ann = registered(&address, "Ann").await;
    let mut bob = registered(&address, "Bob").await;
    fill();
    // There may be room for some more in what the file has already.
    let mut fillers = 0;
    let refused = loop {
        let who = format!("filler {fillers}");
        match within(connect(&address).await.unwrap().register(name(&who), secret(&who))).await {
            Ok(_) => fillers += 1,
            Err(ClientError::Denied(denial)) => break denial,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(refused.code, DenialCode::Busy);
    assert_eq!(refused.reason.as_str(), "the server cannot look that up at this moment; try again in a few seconds");
    let mut carl = connect(&address).await.unwrap();
    // For longer than the store needs to try the disk again.
    for number in 0..15 {
        let again = within(carl.register(name("Carl"), secret("Carl"))).await;
        assert!(matches!(&again, Err(ClientError::Denied(denial)) if denial.code == DenialCode::Busy), "{again:?}");
        play(&mut ann, &mut bob, &format!("line {number}")).await;
        sleep(Duration::from_millis(100)).await;
    }
    free();
    within(async {
        loop {
            match carl.register(name("Carl"), secret("Carl")).await {
                Ok(_) => return,
                Err(ClientError::Denied(denial)) if denial.code == DenialCode::Busy => {}
                Err(error) => panic!("{error}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    play(&mut ann, &mut bob, "there is room again").await;
    let mut again = connect(&address).await.unwrap();
    within(again.login(name("Ann"), secret("Ann"))).await.unwrap();
    server.stop_now();
    let ended = within(server.end()).await;
    assert!(!ended.log.contains("panic"), "{}", ended.log);
    assert_eq!(ended.log.matches("the store does not work").count(), 1, "said once: {}", ended.log);
    let names = names_in(&place.store()).await;
    assert_eq!(names.len(), 3 + fillers);
    assert_eq!(names[..3], ["Ann", "Bob", "Carl"], "in the order of their folded names");
}

/// Someone on a board.
async fn registered(address: &str, who: &str) -> Client {
    let mut client = connect(address).await.unwrap();
    within(client.register(name(who), secret(who))).await.unwrap();
    within(client.join(JoinTarget::Any)).await.unwrap();
    client
}

/// One says something and moves, and the other hears and sees it.
async fn play(one: &mut Client, other: &mut Client, line: &str) {
    one.chat(ChatText::new(line).unwrap()).unwrap();
    // Out and back: from wherever it stands, one of them is a move.
    one.step(Direction::Left).unwrap();
    one.step(Direction::Right).unwrap();
    within(one.flush()).await.unwrap();
    let (mut heard, mut seen) = (false, false);
    while !(heard && seen) {
        match within(other.next()).await.unwrap() {
            ServerPacket::Chat(chat) => heard |= chat.text.as_str() == line,
            ServerPacket::Updates(_) => seen = true,
            ServerPacket::Kicked { reason } => panic!("{reason:?}"),
            _ => {}
        }
    }
}

/// A disk of 4 MiB. Dropped, it is gone.
struct Mounted(PathBuf);

impl Mounted {
    fn at(path: PathBuf) -> Self {
        let mut mount = Command::new("mount");
        assert!(mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(&path).status().unwrap().success());
        Self(path)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
