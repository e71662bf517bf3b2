//! Lines of input, bounded.

use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// A longer line is no command.
const MAX_BYTES: usize = 4096;

/// Reads lines. What is no UTF-8 is replaced; CR before LF is dropped.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    too_long: bool,
    ended: bool,
}

/// One line, or that there was one that is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(String),
    TooLong,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Reads from `input`.
    pub(super) fn new(input: R) -> Self {
        Self { input, line: Vec::new(), too_long: false, ended: false }
    }

    /// The next line, or `None` at the end. A last line without a line feed counts. Cancel-safe: a part that came stays
    /// for the next call.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        while !self.ended {
            let bytes = self.input.fill_buf().await?;
            if bytes.is_empty() {
                self.ended = true;
                let has_rest = self.too_long || !self.line.is_empty();
                return Ok(has_rest.then(|| self.take()));
            }
            let feed = bytes.iter().position(|&byte| byte == b'\n');
            let part = &bytes[..feed.unwrap_or(bytes.len())];
            if self.line.len() + part.len() > MAX_BYTES {
                self.too_long = true;
                self.line.clear();
            } else if !self.too_long {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(feed.is_some());
            self.input.consume(used);
            if feed.is_some() {
                return Ok(Some(self.take()));
            }
        }
        Ok(None)
    }

    fn take(&mut self) -> Line {
        let text = String::from_utf8_lossy(&self.line).trim_end_matches('\r').to_owned();
        self.line.clear();
        if std::mem::take(&mut self.too_long) { Line::TooLong } else { Line::Text(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines, MAX_BYTES};
    use tokio::io::{AsyncWriteExt, BufReader, duplex};

    async fn read_all(input: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(BufReader::with_capacity(16, input));
        let mut all = vec![];
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        assert_eq!(lines.next().await.unwrap(), None, "the end stays the end");
        all
    }

    #[tokio::test]
    async fn lines_end_at_line_feeds_and_at_the_end() {
        let text = |text: &str| Line::Text(text.into());
        assert_eq!(read_all(b"up\r\n\nchat hi").await, [text("up"), text(""), text("chat hi")]);
        assert_eq!(read_all(b"\xff\n").await, [text("\u{fffd}")]);
        assert_eq!(read_all(b"").await, []);
    }

    #[tokio::test]
    async fn a_huge_line_is_told_once_and_not_kept() {
        let mut input = vec![b'x'; 10 * MAX_BYTES];
        input.extend_from_slice(b"\nup\n");
        assert_eq!(read_all(&input).await, [Line::TooLong, Line::Text("up".into())]);
    }

    #[tokio::test]
    async fn a_cancelled_read_loses_nothing() {
        let (mut writer, reader) = duplex(64);
        let mut lines = Lines::new(BufReader::new(reader));
        writer.write_all(b"cha").await.unwrap();
        tokio::select! {
            biased;
            line = lines.next() => panic!("{line:?}"),
            () = tokio::task::yield_now() => {}
        }
        writer.write_all(b"t hi\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), Some(Line::Text("chat hi".into())));
    }
}
