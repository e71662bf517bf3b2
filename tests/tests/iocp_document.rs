//! Holds `docs/from-iocp-to-tokio.md` and its Korean twin to the code and to each other: what they link to is there, the
//! items that they name are defined in the files that they name, and both say the same in the same order.
//!
//! A reference is a link whose text is an item in code type, such as ``[`SendQueue::push`](../server/net/src/queue.rs)``.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::PathBuf};

const ENGLISH: &str = "docs/from-iocp-to-tokio.md";
const KOREAN: &str = "docs/from-iocp-to-tokio.ko.md";

/// Fewer references than this and the parser has missed most of them.
const LEAST_REFERENCES: usize = 120;
/// Fewer terms of the course than this, likewise.
const LEAST_TERMS: usize = 35;
/// What each term is told about, in both languages.
const PARTS: [&str; 3] = ["- **Windows.** ", "- **Tokio.** ", "- **Malpan.** "];

/// What a course calls by its name, so both languages do.
const TERMS: [&str; 42] = [
    "CreateIoCompletionPort",
    "OVERLAPPED",
    "WSABUF",
    "GetQueuedCompletionStatus`",
    "GetQueuedCompletionStatusEx`",
    "PostQueuedCompletionStatus",
    "AcceptEx",
    "SO_UPDATE_ACCEPT_CONTEXT",
    "WSARecv",
    "WSASend",
    "memmove",
    "1-send",
    "ABA",
    "InterlockedIncrement",
    "WSAEventSelect",
    "WSA_MAXIMUM_WAIT_EVENTS",
    "FD_SETSIZE",
    "APC",
    "MSG_WAITALL",
    "closesocket",
    "SO_LINGER",
    "TIME_WAIT",
    "SO_REUSEADDR",
    "SO_EXCLUSIVEADDRUSE",
    "TCP_NODELAY",
    "SO_SNDBUF",
    "SO_KEEPALIVE",
    "#pragma pack",
    "priority_queue",
    "ODBC",
    "WSAStartup",
    "10053",
    "10054",
    "ERROR_NETNAME_DELETED",
    "WSA_IO_PENDING",
    "SOMAXCONN_HINT",
    "DisconnectEx",
    "TransmitFile",
    "ERROR_NO_SYSTEM_RESOURCES",
    "RIO",
    "IOCTL_AFD_POLL",
    r"\Device\Afd",
];

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        for Link { line, target, .. } in page.sections.iter().flat_map(|section| &section.links) {
            if let Some(anchor) = target.strip_prefix('#') {
                let found = page.sections.iter().any(|section| section.anchor == anchor);
                assert!(found, "{}:{line}: no section has the anchor {anchor}", page.path);
            } else {
                let file = root().join("docs").join(target);
                assert!(file.is_file(), "{}:{line}: there is no file {target}", page.path);
            }
        }
    }
}

#[test]
fn every_named_item_is_defined_in_its_file() {
    for page in pages() {
        for section in &page.sections {
            for (line, item, file) in section.references(page.path) {
                let source = fs::read_to_string(root().join("docs").join(file)).unwrap_or_default();
                assert!(defines(&source, item), "{}:{line}: {file} does not define {item}", page.path);
            }
        }
    }
}

#[test]
fn both_languages_say_the_same_in_the_same_order() {
    let [english, korean] = pages();
    let outline = |page: &Page| -> Vec<_> {
        page.sections.iter().map(|section| (section.level, section.anchor.clone())).collect()
    };
    assert_eq!(outline(&english), outline(&korean));
    for (english_section, korean_section) in english.sections.iter().zip(&korean.sections) {
        let names = |page: &Page, section: &Section| -> Vec<_> {
            section.references(page.path).map(|(_, item, file)| format!("{item} in {file}")).collect()
        };
        assert_eq!(
            names(&english, english_section),
            names(&korean, korean_section),
            "the section {}",
            english_section.anchor
        );
    }
}

#[test]
fn every_term_is_told_in_full() {
    for page in pages() {
        for term in TERMS {
            assert!(page.text.contains(term), "{} does not speak of {term}", page.path);
        }
        let terms: Vec<_> = page.sections.iter().filter(|section| section.level == 3).collect();
        assert!(terms.len() >= LEAST_TERMS, "{} has {} terms", page.path, terms.len());
        for Section { anchor, parts, .. } in &terms {
            assert_eq!(parts, &PARTS, "{}: the section {anchor}", page.path);
        }
        for section in terms {
            let last = section.references(page.path).last();
            assert!(last.is_some(), "{}: the section {} names no item", page.path, section.anchor);
        }
        let references = page.sections.iter().flat_map(|section| section.references(page.path)).count();
        assert!(references >= LEAST_REFERENCES, "{} has {references} references", page.path);
    }
}

#[test]
fn a_definition_is_not_just_a_mention() {
    let source = "\
pub(crate) struct Queue<T> {
    /// Not gone.
    waiting: Vec<T>,
}

pub enum Kind { Short }

enum Reason {
    Gone,
    Late { by: u8 },
}

impl<T: Fn() -> bool> Queue<T> {
    pub async fn push(&self) {
        let inner = 1;
        helper(inner);
    }
}

impl Drop for Queue<u8> {
    fn drop(&mut self) {}
}

pub trait Service: Send {
    fn packet(&mut self);
}

const MOST: usize = 3;
type Inbox = Vec<u8>;
";
    for item in [
        "Queue",
        "Queue::waiting",
        "Queue::push",
        "Queue::drop",
        "Reason::Gone",
        "Reason::Late",
        "Service::packet",
        "packet",
        "MOST",
        "Inbox",
    ] {
        assert!(defines(source, item), "{item}");
    }
    for item in [
        "Que",
        "helper",
        "inner",
        "Queue::inner",
        "Queue::packet",
        "Queue::Gone",
        "Queue::helper",
        "Reason::by",
        "Drop::drop",
        "Service::push",
        "gone",
        "usize",
    ] {
        assert!(!defines(source, item), "{item}");
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().into()
}

fn pages() -> [Page; 2] {
    [ENGLISH, KOREAN].map(Page::read)
}

/// One language.
struct Page {
    path: &'static str,
    text: String,
    /// The first is what stands above the first heading with an anchor.
    sections: Vec<Section>,
}

#[derive(Default)]
struct Section {
    level: usize,
    anchor: String,
    links: Vec<Link>,
    /// The beginnings of its list items, where they are among [`PARTS`].
    parts: Vec<&'static str>,
}

struct Link {
    line: usize,
    label: String,
    target: String,
}

impl Page {
    fn read(path: &'static str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let mut sections = vec![Section::default()];
        let mut in_picture = false;
        for (index, line) in text.lines().enumerate() {
            if line.starts_with("```") {
                in_picture = !in_picture;
            }
            if in_picture {
                continue;
            }
            if let Some((level, anchor)) = heading(line) {
                let anchor = anchor.unwrap_or_else(|| panic!("{path}:{}: a heading without an anchor", index + 1));
                sections.push(Section { level, anchor: anchor.into(), ..Section::default() });
            }
            let section = sections.last_mut().unwrap();
            section.parts.extend(PARTS.iter().filter(|part| line.starts_with(**part)));
            section.links.extend(links(line).map(|(label, target)| Link {
                line: index + 1,
                label: label.into(),
                target: target.into(),
            }));
        }
        Self { path, text, sections }
    }
}

impl Section {
    /// Line, item and file of each reference.
    fn references(&self, page: &str) -> impl Iterator<Item = (usize, &str, &str)> {
        self.links.iter().filter(|link| link.target.ends_with(".rs")).filter_map(move |link| {
            let item = link.label.strip_prefix('`').and_then(|label| label.strip_suffix('`'));
            let item = item.unwrap_or_else(|| panic!("{page}:{}: {} names no item", link.line, link.target));
            // A link to a whole file names the file and no item in it.
            (!item.ends_with(".rs")).then_some((link.line, item, link.target.as_str()))
        })
    }
}

/// Level and anchor of a heading below the title: `## <a id="anchor"></a>Text`.
fn heading(line: &str) -> Option<(usize, Option<&str>)> {
    let level = line.chars().take_while(|&char| char == '#').count();
    let text = line[level..].strip_prefix(' ').filter(|_| level > 1)?;
    let anchor = text.strip_prefix("<a id=\"").and_then(|rest| rest.split_once("\"></a>"));
    Some((level, anchor.map(|(anchor, _)| anchor)))
}

/// Label and target of each link in a line. No label has brackets in it, and no link is broken over two lines: a label
/// without a target would be a `]` that no `(` follows.
fn links(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices("](").map(move |(at, _)| {
        let label = line[..at].rsplit_once('[').unwrap().1;
        let target = line[at + 2..].split_once(')').unwrap().0;
        (label, target)
    })
}

/// Whether `source`, formatted by rustfmt, defines `item`: an item, or `Owner::member` with a member that stands directly
/// in a definition or an `impl` of its owner.
fn defines(source: &str, item: &str) -> bool {
    let lines: Vec<_> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let Some((owner, member)) = item.rsplit_once("::") else {
        return lines.iter().any(|line| declared(line) == Some(item));
    };
    lines.iter().enumerate().filter(|(_, line)| owner_of(line) == Some(owner)).any(|(start, header)| {
        let depth = indentation(header);
        let block = lines[start..]
            .iter()
            .skip(1)
            .take_while(|line| !(indentation(line) == depth && line.trim_start().starts_with('}')));
        let block: &[_] = if header.ends_with([';', '}']) { &[] } else { &lines[start + 1..][..block.count()] };
        block.iter().filter(|line| indentation(line) == depth + 4).any(|line| {
            declared(line) == Some(member) || (!header.trim_start().starts_with("impl") && named(line) == Some(member))
        })
    })
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The name that a line declares as an item.
fn declared(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match word {
            "pub" | "async" | "unsafe" => {}
            "const" if words.peek() == Some(&"fn") => {}
            "fn" | "struct" | "enum" | "trait" | "union" | "const" | "static" | "type" | "mod" | "macro_rules!" => {
                return words.next().map(identifier);
            }
            word if word.starts_with("pub(") => {}
            _ => return None,
        }
    }
    None
}

/// The field or variant that a line names.
fn named(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub").map_or(line, |rest| rest.split_once(' ').map_or("", |(_, field)| field));
    let name = identifier(line);
    (line[name.len()..].is_empty() || line[name.len()..].starts_with([':', ',', '(', ' '])).then_some(name)
}

/// The type whose members stand in the block that a line begins.
fn owner_of(line: &str) -> Option<&str> {
    let Some(rest) = line.trim_start().strip_prefix("impl") else {
        let is_type = ["struct ", "enum ", "trait ", "union "].iter().any(|keyword| line.contains(keyword));
        return declared(line).filter(|_| is_type);
    };
    let subject = rest.rsplit_once(" for ").map_or_else(|| after_generics(rest), |(_, subject)| Some(subject))?;
    let path = subject.trim_start().split(['<', ' ']).next()?;
    path.rsplit("::").next()
}

/// What follows the generics, where there are any.
fn after_generics(text: &str) -> Option<&str> {
    if !text.starts_with('<') {
        return Some(text);
    }
    let mut depth = 0_i32;
    let mut before = ' ';
    for (at, char) in text.char_indices() {
        match char {
            '<' => depth += 1,
            // Not that of `->`.
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[at + 1..]);
        }
        before = char;
    }
    None
}

fn identifier(text: &str) -> &str {
    let end = text.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(text.len());
    &text[..end]
}
