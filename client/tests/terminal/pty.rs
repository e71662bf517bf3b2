//! A program in a pseudo-terminal, and the screen that it draws there.

use malpan_e2e::PATIENCE;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::{
    io::{Read, Write},
    num::NonZeroU16,
    sync::{Arc, Mutex, PoisonError},
    thread,
};
use tokio::{sync::watch, time::timeout};
use vt100::Parser;

/// The program, its terminal's other end, and what stands on the screen.
pub(crate) struct Terminal {
    child: Option<Box<dyn Child + Send + Sync>>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    screen: Arc<Mutex<Parser>>,
    /// Every byte that the program has sent.
    sent: Arc<Mutex<Vec<u8>>>,
    /// Changes with every read; closed when the program's last output has been read.
    drawn: watch::Receiver<u64>,
}

impl Terminal {
    /// Starts `command` in a terminal of `columns` by `rows`.
    pub(crate) fn start(mut command: CommandBuilder, (columns, rows): (u16, u16)) -> Self {
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let pty = native_pty_system().openpty(pty_size(columns, rows)).unwrap();
        let child = pty.slave.spawn_command(command).unwrap();
        // Where this end stayed open, the reader would never see the end.
        drop(pty.slave);
        let screen = Arc::new(Mutex::new(Parser::new(size(rows), size(columns), 0)));
        let (draw, drawn) = watch::channel(0);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let sent = Arc::<Mutex<Vec<u8>>>::default();
        let (read, kept) = (Arc::clone(&screen), Arc::clone(&sent));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is the end as well: Linux says EIO when the program has gone.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                read.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..count]);
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..count]);
                draw.send_modify(|reads| *reads += 1);
            }
        });
        let keyboard = pty.master.take_writer().unwrap();
        Self { child: Some(child), master: pty.master, keyboard, screen, sent, drawn }
    }

    /// Types these bytes.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.look(|parser| parser.set_size(size(rows), size(columns)));
        self.master.resize(pty_size(columns, rows)).unwrap();
    }

    /// Every byte that the program has sent so far.
    #[allow(dead_code, reason = "most tests look at the screen")]
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The screen's rows, without the spaces at their ends.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.look(|parser| {
            let columns = parser.screen().size().1.get();
            parser.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect()
        })
    }

    /// Whether the program has the terminal: the other screen, pasted text told apart, no cursor.
    pub(crate) fn is_taken(&self) -> [bool; 3] {
        self.look(|parser| {
            let screen = parser.screen();
            [screen.alternate_screen(), screen.bracketed_paste(), screen.hide_cursor()]
        })
    }

    /// Waits until [`Terminal::is_taken`] is so: the cursor is hidden or shown after all else has been drawn.
    pub(crate) async fn wait_until_taken(&mut self, wanted: [bool; 3]) {
        self.wait(&format!("terminal taken {wanted:?}"), |terminal| (terminal.is_taken() == wanted).then_some(()))
            .await;
    }

    /// Waits until `found` finds something on the screen, which may be drawn in part only.
    ///
    /// # Panics
    /// Where it does not within the patience of a test, or the program ends before; the screen is printed.
    pub(crate) async fn wait_for<T>(&mut self, what: &str, found: impl Fn(&[String]) -> Option<T>) -> T {
        self.wait(what, |terminal| found(&terminal.rows())).await
    }

    /// Waits until a row contains `text`.
    pub(crate) async fn wait_for_text(&mut self, text: &str) {
        self.wait_for(text, |rows| rows.iter().any(|row| row.contains(text)).then_some(())).await;
    }

    /// Waits until the program has ended and all of its output is on the screen; returns its exit status.
    pub(crate) async fn wait_for_end(&mut self) -> u32 {
        let ended = timeout(PATIENCE, async { while self.drawn.changed().await.is_ok() {} }).await;
        assert!(ended.is_ok(), "the program did not end\n{}", self.rows().join("\n"));
        let mut child = self.child.take().expect("waited for once");
        // It has closed its terminal: only the kernel is waited for.
        tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().exit_code()
    }

    async fn wait<T>(&mut self, what: &str, found: impl Fn(&Self) -> Option<T>) -> T {
        let waiting = timeout(PATIENCE, async {
            loop {
                // Marked as seen before it is looked at: what is drawn meanwhile is a change.
                self.drawn.mark_unchanged();
                if let Some(found) = found(self) {
                    return Some(found);
                }
                if self.drawn.changed().await.is_err() {
                    // The last output was read between the look and the wait.
                    return found(self);
                }
            }
        });
        match waiting.await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("the program ended without {what}\n{}", self.rows().join("\n")),
            Err(_) => panic!("no {what} within {PATIENCE:?}\n{}", self.rows().join("\n")),
        }
    }

    fn look<T>(&self, at: impl FnOnce(&mut Parser) -> T) -> T {
        at(&mut self.screen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves no program behind. An error means that it has ended.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn size(side: u16) -> NonZeroU16 {
    NonZeroU16::new(side).expect("a terminal has rows and columns")
}
