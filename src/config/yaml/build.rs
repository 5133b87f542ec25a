//! From the parser's events to a tree, by a stack of its own: depth costs no machine stack.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Events};

use super::scalar::{self, Unusable};
use super::source::{Mark, Source};
use super::{Entry, Kind, Node, Read};
use crate::diagnostic::Diagnostic;
use crate::limits;

/// The key by which readers of YAML 1.1 put another map in.
const MERGE: &str = "<<";

/// A collection whose end has not been seen.
struct Open {
    start: usize,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        /// A key that waits for its value; `None` inside for a key that was refused.
        key: Option<(Option<String>, Mark)>,
        /// Where each key was first written.
        lines: BTreeMap<String, usize>,
    },
}

/// The state of building one tree.
struct Builder<'a> {
    source: &'a Source<'a>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    diagnostics: Vec<Diagnostic>,
}

/// Reading ends here: the rest of the file would only be guessed at.
struct Stop;

/// Builds the tree of a text that is known to be printable and within its size.
pub(super) fn build(source: &Source<'_>) -> Read {
    let mut builder = Builder {
        source,
        open: Vec::new(),
        root: None,
        nodes: 0,
        documents: 0,
        diagnostics: Vec::new(),
    };
    let mut parser = Parser::new_from_str(source.text);
    let mut whole = true;
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, at)) => builder.take(event, at),
            Err(error) => {
                let at = source.byte(error.marker().index());
                builder.error("S000", source.mark(at, at), error.info(), None);
                Err(Stop)
            }
        };
        if step.is_err() {
            whole = false;
            break;
        }
    }
    let empty = || Node::scalar(Mark::START, serde_json::Value::Null);
    let root = builder.root;
    Read {
        root: whole.then(|| root.unwrap_or_else(empty)),
        diagnostics: builder.diagnostics,
    }
}

impl Builder<'_> {
    fn error(&mut self, code: &str, mark: Mark, message: impl Into<String>, help: Option<&str>) {
        let mut finding = Diagnostic::error(code, mark.span(self.source.file), message);
        finding.help = help.map(str::to_owned);
        if self.diagnostics.len() < limits::DIAGNOSTICS_MAX {
            self.diagnostics.push(finding);
        }
    }

    fn take(&mut self, event: Event<'_>, at: Events) -> Result<(), Stop> {
        let start = self.source.byte(at.start.index());
        let end = self.source.byte(at.end.index());
        let mark = self.source.mark(start, end);
        match event {
            Event::DocumentStart(_) => self.document(mark),
            Event::Alias(_) => {
                self.count(mark)?;
                self.refuse(mark, "an alias");
                self.place(broken(mark));
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(mark)?;
                let fine = self.plain(mark, anchor, tag.is_some());
                let mark = match self.source.quoted_end(start) {
                    Some(end) => self.source.mark(start, end),
                    None => mark,
                };
                let node = self.scalar(&text, style, mark);
                self.place(if fine { node } else { broken(mark) });
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                let kind = OpenKind::Sequence(Vec::new());
                self.plain(mark, anchor, tag.is_some());
                self.enter(mark, start, kind)
            }
            Event::MappingStart(anchor, tag) => {
                let kind = OpenKind::Mapping {
                    entries: Vec::new(),
                    key: None,
                    lines: BTreeMap::new(),
                };
                self.plain(mark, anchor, tag.is_some());
                self.enter(mark, start, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.leave(start, end);
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn document(&mut self, mark: Mark) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        let help = Some("keep one document in a file: remove the `---`");
        self.error("S011", mark, "a second document in the file", help);
        Err(Stop)
    }

    fn refuse(&mut self, mark: Mark, what: &str) {
        let help = Some("write the value out; overlays under `environments` share what is common");
        self.error(
            "S011",
            mark,
            format!("{what}, which is not used here"),
            help,
        );
    }

    /// Reports an anchor or a tag; whether there was neither.
    fn plain(&mut self, mark: Mark, anchor: usize, tag: bool) -> bool {
        if anchor != 0 {
            self.refuse(mark, "an anchor");
        }
        if tag {
            let help = Some("remove the tag; quote the value if it is to be a string");
            self.error("S011", mark, "a tag, which is not used here", help);
        }
        anchor == 0 && !tag
    }

    fn count(&mut self, mark: Mark) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes <= limits::YAML_NODES_MAX {
            return Ok(());
        }
        let message = format!("more than {} values in the file", limits::YAML_NODES_MAX);
        self.error(
            "S000",
            mark,
            message,
            Some("keep data in files of their own"),
        );
        Err(Stop)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, mark: Mark) -> Node {
        if style != ScalarStyle::Plain {
            return Node::scalar(mark, text);
        }
        match scalar::resolve(text) {
            Ok(value) => Node::scalar(mark, value),
            Err(unusable) => {
                let message = match unusable {
                    Unusable::Large => format!("the integer {text} does not fit into 64 bits"),
                    Unusable::NotFinite => format!("`{text}` is not a finite number"),
                };
                let help = Some("put it in quotes if it is to be a string");
                self.error("S011", mark, message, help);
                broken(mark)
            }
        }
    }

    fn enter(&mut self, mark: Mark, start: usize, kind: OpenKind) -> Result<(), Stop> {
        self.count(mark)?;
        if self.open.len() >= limits::YAML_DEPTH_MAX {
            let message = format!("nested deeper than {} levels", limits::YAML_DEPTH_MAX);
            self.error("S000", mark, message, None);
            return Err(Stop);
        }
        self.open.push(Open { start, kind });
        Ok(())
    }

    fn leave(&mut self, end_start: usize, end_end: usize) {
        let Some(open) = self.open.pop() else {
            return;
        };
        // A block ends where its last value does; the parser sees its end only at the next token.
        let last = match &open.kind {
            OpenKind::Sequence(items) => items.last(),
            OpenKind::Mapping { entries, .. } => entries.last().map(|entry| &entry.value),
        };
        // The mark of a closing bracket reaches on to the next token.
        let bracket = |at: usize| self.source.text[at..].starts_with(['}', ']']);
        let end = match last {
            _ if end_end > end_start && bracket(end_start) => end_start + 1,
            Some(node) => self.source.end(node.mark),
            None => end_end,
        };
        let mark = self.source.mark(open.start, end);
        let kind = match open.kind {
            OpenKind::Sequence(items) => Kind::Sequence(items),
            OpenKind::Mapping { entries, .. } => Kind::Mapping(entries),
        };
        self.place(Node { mark, kind });
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.kind {
            OpenKind::Sequence(items) => items.push(node),
            OpenKind::Mapping {
                key,
                entries,
                lines,
            } => match key.take() {
                None => {
                    let mark = node.mark;
                    let name = self.key(node);
                    if let Some(Open {
                        kind: OpenKind::Mapping { key, .. },
                        ..
                    }) = self.open.last_mut()
                    {
                        *key = Some((name, mark));
                    }
                }
                Some((None, _)) => {}
                Some((Some(name), mark)) => {
                    if let Some(line) = lines.get(&name) {
                        let message = format!("the key `{name}` is written twice");
                        let help = format!("the first is in line {line}: keep one of them");
                        self.error("S007", mark, message, Some(&help));
                    } else {
                        lines.insert(name.clone(), mark.line);
                        entries.push(Entry {
                            key: name,
                            mark,
                            value: node,
                        });
                    }
                }
            },
        }
    }

    /// The text of a key, or none if it has none; a key that is not a string is reported.
    fn key(&mut self, node: Node) -> Option<String> {
        let text = self.source.held(node.mark).to_owned();
        match node.kind {
            Kind::Scalar(serde_json::Value::String(_)) if text == MERGE => {
                self.refuse(node.mark, "a merge key");
                None
            }
            Kind::Scalar(serde_json::Value::String(name)) => Some(name),
            Kind::Broken => None,
            Kind::Scalar(value) => {
                if value.is_u64() && text.len() == 12 {
                    let help = format!("write \"{text}\"");
                    let message = format!("the account id {text} is a number, which loses zeros");
                    self.error("S007", node.mark, message, Some(&help));
                } else {
                    let help = format!("write \"{text}\"");
                    let message = format!("the key `{text}` is not a string");
                    self.error("S011", node.mark, message, Some(&help));
                }
                Some(text)
            }
            Kind::Sequence(_) | Kind::Mapping(_) => {
                let message = "a key that is a list or a map";
                self.error("S011", node.mark, message, Some("keys are strings"));
                None
            }
        }
    }
}

fn broken(mark: Mark) -> Node {
    Node {
        mark,
        kind: Kind::Broken,
    }
}
