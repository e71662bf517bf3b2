//! What looks after a server process: a service manager, which is told, and a container's health check, which asks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod running;

use running::Running;

async fn health(args: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let ended = Running::command(&[&["health"], args].concat()).end().await;
    (ended.code, ended.out, ended.log)
}

#[tokio::test]
async fn health_says_whether_the_server_serves_and_is_ready() {
    let mut server = Running::start(&["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]).await;
    let http = server.listed("http").to_owned();
    assert_eq!(health(&["--http", &http]).await, (Some(0), vec!["ok".into()], String::new()));
    assert_eq!(health(&["--ready", "--http", &http]).await, (Some(0), vec!["ready".into()], String::new()));
    // As a container has it: by a variable, and with an address that is every one of the machine's.
    let everywhere = http.replace("127.0.0.1", "0.0.0.0");
    let asked = Running::with_variable("MALPAN_HTTP", &everywhere, &["health"]).end().await;
    assert_eq!((asked.code, asked.out), (Some(0), vec!["ok".into()]));

    server.stop_now();
    server.end().await;
    let (code, out, log) = health(&["--http", &http]).await;
    assert_eq!((code, out), (Some(1), Vec::new()));
    assert!(log.starts_with(&format!("malpan-server: no server answers at {http}: ")), "{log}");
}

#[tokio::test]
async fn health_of_a_server_that_says_nothing_of_itself_is_a_message() {
    let (code, _, log) = health(&["--http", "off"]).await;
    assert_eq!((code, log.trim()), (Some(1), "malpan-server: a server whose `http` is off cannot be asked"));
}

#[cfg(target_os = "linux")]
mod told {
    use super::{Running, running::within};
    use std::os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    };

    const ARGS: [&str; 8] = ["--listen", "127.0.0.1:0", "--http", "off", "--store", "memory:", "--drain", "3s"];

    /// A service manager's end.
    fn manager(socket: UnixDatagram) -> tokio::net::UnixDatagram {
        socket.set_nonblocking(true).unwrap();
        tokio::net::UnixDatagram::from_std(socket).unwrap()
    }

    async fn news(manager: &tokio::net::UnixDatagram) -> String {
        let mut bytes = [0; 1024];
        let read = within(manager.recv(&mut bytes)).await.unwrap();
        String::from_utf8(bytes[..read].to_vec()).unwrap()
    }

    async fn hears_everything(manager: tokio::net::UnixDatagram, name: &str) {
        let server = Running::with_variable("NOTIFY_SOCKET", name, &ARGS).until_ready().await;
        assert_eq!(news(&manager).await, format!("READY=1\nSTATUS={}", server.ready));
        server.signal("TERM");
        let stopping = "STOPPING=1\nSTATUS=draining, 3 s at the most\nEXTEND_TIMEOUT_USEC=8000000";
        assert_eq!(news(&manager).await, stopping);
        assert_eq!(server.end().await.code, Some(0));
    }

    #[tokio::test]
    async fn a_service_manager_hears_when_the_server_is_ready_and_when_it_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = manager(UnixDatagram::bind(&path).unwrap());
        hears_everything(socket, path.to_str().unwrap()).await;
    }

    #[tokio::test]
    async fn a_service_managers_socket_may_be_in_no_folder() {
        let name = format!("malpan-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = manager(UnixDatagram::bind_addr(&address).unwrap());
        hears_everything(socket, &format!("@{name}")).await;
    }

    #[tokio::test]
    async fn a_service_manager_that_is_gone_holds_nothing_up() {
        let server = Running::with_variable("NOTIFY_SOCKET", "/nowhere/notify", &ARGS).until_ready().await;
        server.signal("TERM");
        let ended = server.end().await;
        assert_eq!(ended.code, Some(0));
        assert!(ended.log.contains("the service manager could not be told"), "{}", ended.log);
    }
}
