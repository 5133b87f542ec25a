//! The regular expressions of the service model, matched whole and in linear time.
//!
//! The dialect is what the model needs: literals, classes, groups, alternatives, repetition with
//! bounds, and `(?<!x)` before a place. A pattern is compiled to a small program that is run with a
//! set of threads, so that no value can make it slow.

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern(Form);

#[derive(Debug)]
enum Form {
    /// So many letters of one class, as most patterns are: no program is needed.
    Letters(Class, usize, Option<usize>),
    Program(Program),
}

#[derive(Debug)]
struct Program(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    One(Class),
    Fork(usize, usize),
    Goto(usize),
    NotAfter(Class),
    Found,
}

#[derive(Debug, Clone, Default)]
struct Class {
    negated: bool,
    items: Vec<Item>,
    /// Which of the 128 ASCII letters it has: nearly all that is ever matched.
    ascii: u128,
}

#[derive(Debug, Clone, Copy)]
enum Item {
    Range(char, char),
    Letter,
    Number,
    Blank,
    NotBlank,
    Word,
    Other,
    Any,
}

impl Class {
    fn of(item: Item) -> Self {
        Self::new(false, vec![item])
    }

    fn new(negated: bool, items: Vec<Item>) -> Self {
        let mut class = Self {
            negated,
            items,
            ascii: 0,
        };
        class.ascii = (0..128_u8)
            .filter(|byte| class.decide(char::from(*byte)))
            .fold(0, |bits, byte| bits | 1 << byte);
        class
    }

    fn has(&self, letter: char) -> bool {
        match u8::try_from(letter) {
            Ok(byte) if byte < 128 => self.ascii >> byte & 1 == 1,
            _ => self.decide(letter),
        }
    }

    fn decide(&self, letter: char) -> bool {
        self.negated
            != self.items.iter().any(|item| match item {
                Item::Range(from, to) => (*from..=*to).contains(&letter),
                Item::Letter => letter.is_alphabetic(),
                Item::Number => letter.is_numeric(),
                Item::Blank => letter.is_whitespace(),
                Item::NotBlank => !letter.is_whitespace(),
                Item::Word => letter.is_ascii_alphanumeric() || letter == '_',
                Item::Other => !letter.is_alphanumeric() && !letter.is_control(),
                Item::Any => true,
            })
    }
}

enum Node {
    One(Class),
    All(Vec<Self>),
    Either(Vec<Self>),
    Many(Box<Self>, usize, Option<usize>),
    NotAfter(Class),
}

impl Pattern {
    /// Compiles `source`. `None`: it uses what this dialect does not have.
    pub(super) fn new(source: &str) -> Option<Self> {
        let mut reader = Reader {
            rest: source.chars().peekable(),
        };
        let node = reader.either()?;
        if reader.rest.next().is_some() {
            return None;
        }
        Some(Self(match node.letters() {
            Some((class, least, most)) => Form::Letters(class.clone(), least, most),
            None => Form::Program(Program::new(&node)),
        }))
    }

    /// Whether the whole of `text` matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Form::Letters(class, least, most) => {
                let count = text.chars().count();
                *least <= count
                    && most.is_none_or(|most| count <= most)
                    && text.chars().all(|letter| class.has(letter))
            }
            Form::Program(program) => program.matches(text),
        }
    }
}

impl Node {
    /// The class and the bounds, where this is one class repeated.
    fn letters(&self) -> Option<(&Class, usize, Option<usize>)> {
        match self {
            Self::Either(nodes) | Self::All(nodes) if nodes.len() == 1 => nodes[0].letters(),
            Self::Many(node, least, most) => match &**node {
                Self::One(class) => Some((class, *least, *most)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Program {
    fn new(node: &Node) -> Self {
        let mut steps = Vec::new();
        emit(node, &mut steps);
        steps.push(Step::Found);
        Self(steps)
    }

    fn matches(&self, text: &str) -> bool {
        let mut seen = Seen {
            round: 0,
            marks: vec![0; self.0.len()],
            open: Vec::new(),
        };
        let (mut threads, mut next) = (Vec::new(), Vec::new());
        seen.round += 1;
        self.follow(0, None, &mut seen, &mut threads);
        for letter in text.chars() {
            seen.round += 1;
            for at in threads.drain(..) {
                if let Step::One(class) = &self.0[at]
                    && class.has(letter)
                {
                    self.follow(at + 1, Some(letter), &mut seen, &mut next);
                }
            }
            std::mem::swap(&mut threads, &mut next);
            if threads.is_empty() {
                return false;
            }
        }
        threads.iter().any(|at| matches!(self.0[*at], Step::Found))
    }

    /// Adds every place that can be reached from `start` without reading a letter.
    fn follow(&self, start: usize, last: Option<char>, seen: &mut Seen, threads: &mut Vec<usize>) {
        if matches!(self.0[start], Step::One(_) | Step::Found) {
            if std::mem::replace(&mut seen.marks[start], seen.round) != seen.round {
                threads.push(start);
            }
            return;
        }
        seen.open.push(start);
        while let Some(at) = seen.open.pop() {
            if std::mem::replace(&mut seen.marks[at], seen.round) == seen.round {
                continue;
            }
            match &self.0[at] {
                Step::Fork(one, other) => seen.open.extend([*other, *one]),
                Step::Goto(to) => seen.open.push(*to),
                Step::NotAfter(class) => {
                    if !last.is_some_and(|letter| class.has(letter)) {
                        seen.open.push(at + 1);
                    }
                }
                Step::One(_) | Step::Found => threads.push(at),
            }
        }
    }
}

/// Which places were reached since the last letter.
struct Seen {
    round: usize,
    marks: Vec<usize>,
    open: Vec<usize>,
}

fn emit(node: &Node, steps: &mut Vec<Step>) {
    match node {
        Node::One(class) => steps.push(Step::One(class.clone())),
        Node::NotAfter(class) => steps.push(Step::NotAfter(class.clone())),
        Node::All(nodes) => nodes.iter().for_each(|node| emit(node, steps)),
        Node::Either(nodes) => {
            let mut ends = Vec::new();
            for (at, node) in nodes.iter().enumerate() {
                let fork = steps.len();
                let last = at + 1 == nodes.len();
                if !last {
                    steps.push(Step::Found);
                }
                emit(node, steps);
                if !last {
                    ends.push(steps.len());
                    steps.push(Step::Found);
                    steps[fork] = Step::Fork(fork + 1, steps.len());
                }
            }
            let end = steps.len();
            for at in ends {
                steps[at] = Step::Goto(end);
            }
        }
        Node::Many(node, least, most) => {
            (0..*least).for_each(|_| emit(node, steps));
            match most {
                None => {
                    let fork = steps.len();
                    steps.push(Step::Found);
                    emit(node, steps);
                    steps.push(Step::Goto(fork));
                    steps[fork] = Step::Fork(fork + 1, steps.len());
                }
                Some(most) => {
                    let mut forks = Vec::new();
                    for _ in *least..*most {
                        forks.push(steps.len());
                        steps.push(Step::Found);
                        emit(node, steps);
                    }
                    let end = steps.len();
                    for fork in forks {
                        steps[fork] = Step::Fork(fork + 1, end);
                    }
                }
            }
        }
    }
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Reader<'_> {
    fn either(&mut self) -> Option<Node> {
        let mut nodes = vec![self.all()?];
        while self.rest.next_if_eq(&'|').is_some() {
            nodes.push(self.all()?);
        }
        Some(Node::Either(nodes))
    }

    fn all(&mut self) -> Option<Node> {
        let mut nodes = Vec::new();
        while let Some(letter) = self.rest.peek() {
            if matches!(letter, '|' | ')') {
                break;
            }
            let node = self.one()?;
            nodes.push(self.repeated(node)?);
        }
        Some(Node::All(nodes))
    }

    fn one(&mut self) -> Option<Node> {
        Some(match self.rest.next()? {
            '(' => return self.group(),
            '[' => Node::One(self.class()?),
            '.' => Node::One(Class::of(Item::Any)),
            '\\' => Node::One(Class::of(self.escape()?)),
            letter => Node::One(Class::of(Item::Range(letter, letter))),
        })
    }

    fn group(&mut self) -> Option<Node> {
        if self.rest.next_if_eq(&'?').is_some() && self.rest.next()? == '<' {
            if self.rest.next()? != '!' {
                return None;
            }
            let letter = self.rest.next()?;
            let class = Class::of(Item::Range(letter, letter));
            return (self.rest.next()? == ')').then_some(Node::NotAfter(class));
        }
        let node = self.either()?;
        (self.rest.next()? == ')').then_some(node)
    }

    fn repeated(&mut self, node: Node) -> Option<Node> {
        let (least, most) = match self.rest.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.rest.next();
                let least = self.number();
                let most = match self.rest.next()? {
                    '}' => return Some(Node::Many(Box::new(node), least?, least)),
                    ',' => self.number(),
                    _ => return None,
                };
                if self.rest.next()? != '}' {
                    return None;
                }
                return Some(Node::Many(Box::new(node), least?, most));
            }
            _ => return Some(node),
        };
        self.rest.next();
        Some(Node::Many(Box::new(node), least, most))
    }

    fn number(&mut self) -> Option<usize> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits.parse().ok()
    }

    fn class(&mut self) -> Option<Class> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut items = Vec::new();
        loop {
            let item = match self.rest.next()? {
                ']' => return Some(Class::new(negated, items)),
                '\\' => self.escape()?,
                letter => Item::Range(letter, letter),
            };
            items.push(self.range(item)?);
        }
    }

    /// `a-z` after `a`; a hyphen before the end or before a class stands for itself.
    fn range(&mut self, item: Item) -> Option<Item> {
        let Item::Range(from, _) = item else {
            return Some(item);
        };
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') {
            return Some(item);
        }
        let end = match ahead.next()? {
            ']' => return Some(item),
            '\\' => ahead.next().filter(|letter| !letter.is_alphabetic()),
            letter => Some(letter),
        };
        let Some(end) = end else { return Some(item) };
        self.rest = ahead;
        Some(Item::Range(from, end))
    }

    fn escape(&mut self) -> Option<Item> {
        Some(match self.rest.next()? {
            'd' => Item::Range('0', '9'),
            'w' => Item::Word,
            's' => Item::Blank,
            'S' => Item::NotBlank,
            't' => Item::Range('\t', '\t'),
            'n' => Item::Range('\n', '\n'),
            'r' => Item::Range('\r', '\r'),
            'p' => self.category()?,
            letter => Item::Range(letter, letter),
        })
    }

    fn category(&mut self) -> Option<Item> {
        if self.rest.next()? != '{' {
            return None;
        }
        let mut name = String::new();
        while let Some(letter) = self.rest.next_if(|letter| *letter != '}') {
            name.push(letter);
        }
        self.rest.next();
        Some(match name.as_str() {
            "L" => Item::Letter,
            "N" => Item::Number,
            "Z" => Item::Blank,
            "M" | "S" | "P" => Item::Other,
            "Alnum" => Item::Word,
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
