//! Files as careless people, editors and merges leave them.

use crate::sim::random::Random;

/// What is put into a file somewhere.
const TOKENS: [&str; 40] = [
    ": ",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "&a ",
    "*a",
    "!!str ",
    "|\n",
    ">-\n",
    "#",
    "~",
    "null",
    "\u{feff}",
    "é🦀",
    "\0",
    "${vars.x}",
    "1e999",
    "..",
    "\t",
    "? ",
    "---\n",
    "<<: ",
    "-1",
    "99999999999999999999",
    "true",
    "'\n",
    "\r\n",
    "\u{202e}",
    "%YAML 1.2\n",
    "@",
    "`",
    ",",
    "name: x\n",
    "version: 2\n",
];

/// The same file after some mishaps.
pub(super) fn mutated(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        match random.below(8) {
            0..=2 => insert(&mut bytes, random),
            3 => cut(&mut bytes, random),
            4 => lines(&mut bytes, random, |lines, at, _| {
                lines.insert(at, lines[at].clone());
            }),
            5 => lines(&mut bytes, random, |lines, at, other| lines.swap(at, other)),
            6 => lines(&mut bytes, random, |lines, at, _| {
                lines[at].splice(..0, *b"  ").for_each(drop);
            }),
            _ => flip(&mut bytes, random),
        }
    }
    bytes
}

fn at(length: usize, random: &mut Random) -> usize {
    usize::try_from(random.below(length as u64 + 1)).unwrap()
}

fn insert(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = at(bytes.len(), random);
    let token = random.pick(&TOKENS).bytes();
    bytes.splice(at..at, token).for_each(drop);
}

fn cut(bytes: &mut Vec<u8>, random: &mut Random) {
    let start = at(bytes.len(), random);
    let end = start + at(20.min(bytes.len() - start), random);
    bytes.drain(start..end);
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    let at = at(bytes.len(), random);
    if let Some(byte) = bytes.get_mut(at) {
        *byte = random.next().to_le_bytes()[0];
    }
}

fn lines(bytes: &mut Vec<u8>, random: &mut Random, act: impl Fn(&mut Vec<Vec<u8>>, usize, usize)) {
    let mut lines: Vec<_> = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let (one, other) = (at(lines.len() - 1, random), at(lines.len() - 1, random));
    act(&mut lines, one, other);
    *bytes = lines.join(&b'\n');
}
