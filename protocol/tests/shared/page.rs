//! `docs/protocol.md`, taken apart: its examples and the rows of its tables, each with the headings above it.

/// The page.
pub(crate) struct Page {
    pub(crate) examples: Vec<Example>,
    rows: Vec<Row>,
}

/// A block ```` ```hex DIRECTION NAME ````: bytes in hex, with remarks from `#` to the end of a line.
pub(crate) struct Example {
    /// `to-server` or `to-client`.
    pub(crate) direction: String,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The nearest heading above, without its marks, and the nearest of the second level.
    pub(crate) heading: String,
    pub(crate) chapter: String,
    /// Its line in the page, from 1.
    pub(crate) line: usize,
}

struct Row {
    headings: Vec<String>,
    columns: Vec<String>,
    cells: Vec<String>,
}

impl Page {
    /// Reads the page from the repository.
    pub(crate) fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");
        Self::parse(&std::fs::read_to_string(path).expect("docs/protocol.md is in the repository"))
    }

    /// Two cells of each row, without backticks, of all tables under `heading` (or a heading below it) that have these
    /// two columns, the first of them at the left.
    pub(crate) fn pairs(&self, heading: &str, columns: [&str; 2]) -> Vec<(String, String)> {
        let plain = |cell: &String| cell.replace('`', "");
        let pair = |row: &Row| {
            let second = row.columns.iter().position(|column| column == columns[1])?;
            let wanted = row.headings.iter().any(|h| h == heading) && row.columns[0] == columns[0];
            wanted.then(|| (plain(&row.cells[0]), plain(&row.cells[second])))
        };
        self.rows.iter().filter_map(pair).collect()
    }

    fn parse(text: &str) -> Self {
        let mut page = Self { examples: Vec::new(), rows: Vec::new() };
        let (mut headings, mut columns) = (Vec::<String>::new(), Vec::new());
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            if let Some(info) = line.strip_prefix("```") {
                let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
                if let Some(("hex", title)) = info.split_once(' ') {
                    page.examples.push(Example::parse(title, &body, &headings, index + 1));
                }
            } else if line.starts_with('#') {
                let level = line.bytes().take_while(|b| *b == b'#').count();
                headings.resize(level - 1, String::new());
                headings.push(line[level..].trim().into());
            } else if let Some(row) = line.strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) {
                let cells: Vec<String> = row.split('|').map(|cell| cell.trim().into()).collect();
                if columns.is_empty() {
                    columns = cells;
                } else if !row.starts_with("---") {
                    page.rows.push(Row { headings: headings.clone(), columns: columns.clone(), cells });
                }
                continue;
            }
            columns.clear();
        }
        page
    }
}

impl Example {
    fn parse(title: &str, body: &[&str], headings: &[String], line: usize) -> Self {
        let (direction, name) = title.split_once(' ').unwrap_or_else(|| panic!("line {line}: a direction and a name"));
        assert!(["to-server", "to-client"].contains(&direction), "line {line}: the direction {direction}");
        let hex = body.iter().flat_map(|row| row.split('#').next().unwrap_or_default().split_whitespace());
        let byte = |digits: &str| {
            assert_eq!(digits.len(), 2, "line {line}: {digits}");
            u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("line {line}: {digits}"))
        };
        let [_, chapter, ..] = headings else { panic!("line {line}: an example outside of the chapters") };
        Self {
            direction: direction.into(),
            name: name.into(),
            bytes: hex.map(byte).collect(),
            heading: headings[headings.len() - 1].clone(),
            chapter: chapter.clone(),
            line,
        }
    }
}
