//! The lines of the model.

use super::{Bounds, Entries, Fault, List, Member, Service, Shape, Site};
use crate::world::pattern::Pattern;

impl Service {
    pub(super) fn read(&mut self, text: &'static str) {
        let mut lines = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .peekable();
        while let Some(line) = lines.next() {
            let mut members = Vec::new();
            while let Some(member) = lines.next_if(|line| line.starts_with("  ")) {
                members.push(Member::read(member.trim_start()));
            }
            let mut words = line.splitn(3, ' ');
            let (word, name) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let rest = words.next().unwrap_or("");
            match word {
                "request" => {
                    self.routes
                        .extend(rest.split_once(' ').map(|route| (name, route)));
                    self.requests.insert(name, members);
                }
                "response" => drop(self.responses.insert(name, members)),
                "error" => self.errors.extend(Fault::read(name, rest)),
                "struct" => drop(self.shapes.insert(name, Shape::Struct(members))),
                word => drop(self.shapes.insert(name, Shape::read(word, rest))),
            }
        }
    }
}

impl Fault {
    fn read(name: &'static str, rest: &'static str) -> Option<Self> {
        let (prefix, name) = name.split_at(name.find('.').map_or(0, |dot| dot + 1));
        let (code, status) = rest.split_once(' ')?;
        Some(Self {
            prefix,
            name,
            code,
            status: status.parse().ok()?,
        })
    }
}

impl Member {
    fn read(line: &'static str) -> Self {
        let mut words = line.split(' ');
        let (name, shape) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let site = match words.next().and_then(|site| site.split_once('=')) {
            Some(("path", name)) => Site::Path(name),
            Some(("query", name)) => Site::Query(name),
            _ => Site::Body,
        };
        Self {
            name: name.trim_end_matches('!'),
            required: name.ends_with('!'),
            site,
            shape,
        }
    }
}

impl Bounds {
    fn read<'a>(words: &mut impl Iterator<Item = &'a str>) -> Self {
        let mut number = || words.next().and_then(|word| word.parse().ok());
        Self {
            least: number(),
            most: number(),
        }
    }
}

impl Shape {
    fn read(word: &str, rest: &'static str) -> Self {
        let mut words = rest.splitn(3, ' ');
        match word {
            "enum" => Self::Enum(rest.split('|').collect()),
            "integer" => Self::Integer(Bounds::read(&mut words)),
            "float" => Self::Float(Bounds::read(&mut words)),
            "blob" => Self::Blob(Bounds::read(&mut words)),
            "boolean" => Self::Boolean,
            "timestamp" => Self::Timestamp,
            "list" => Self::List(List::read(rest)),
            "map" => Self::Map(Entries::read(rest)),
            _ => {
                let bounds = Bounds::read(&mut words);
                let pattern = words.next().filter(|source| !source.is_empty());
                Self::Text(bounds, pattern.map(Pattern::new))
            }
        }
    }
}

impl List {
    fn read(rest: &'static str) -> Self {
        let mut words = rest.split(' ');
        Self {
            bounds: Bounds::read(&mut words),
            item: words.next().unwrap_or("-"),
            flat: has(rest, "flat"),
            name: told(rest, "name=").unwrap_or("member"),
        }
    }
}

impl Entries {
    fn read(rest: &'static str) -> Self {
        let mut words = rest.split(' ');
        Self {
            bounds: Bounds::read(&mut words),
            key: words.next().unwrap_or("-"),
            item: words.next().unwrap_or("-"),
            flat: has(rest, "flat"),
            names: (
                told(rest, "key=").unwrap_or("key"),
                told(rest, "value=").unwrap_or("value"),
            ),
            name: told(rest, "name="),
        }
    }
}

fn has(line: &str, word: &str) -> bool {
    line.split(' ').any(|own| own == word)
}

fn told(line: &'static str, start: &str) -> Option<&'static str> {
    line.split(' ').find_map(|word| word.strip_prefix(start))
}
