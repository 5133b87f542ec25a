//! The processes of this machine, as `/proc` shows them.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]

use std::fs;
use std::path::Path;

/// A process that is not a zombie; its start tells it from a later one with the same number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    pub(crate) started: String,
}

fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().map(Result::unwrap);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(process).collect()
}

/// Nothing for a process that has ended.
pub(crate) fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, spaces and brackets too.
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    (fields[0] != "Z").then(|| Process {
        pid,
        parent: fields[1].parse().unwrap(),
        started: fields[19].to_owned(),
    })
}

/// Children of a process, and theirs.
pub(crate) fn descendants(of: u32) -> Vec<Process> {
    let mut rest = processes();
    let mut found: Vec<Process> = Vec::new();
    loop {
        let is_ours =
            |one: &Process| one.parent == of || found.iter().any(|parent| parent.pid == one.parent);
        let (ours, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_ours);
        if ours.is_empty() {
            return found;
        }
        found.extend(ours);
        rest = others;
    }
}

/// Processes that name a folder in their arguments or environment, or work in it.
pub(crate) fn about(folder: &Path) -> Vec<Process> {
    let marker = folder.to_str().unwrap().as_bytes();
    let mut all = processes();
    all.retain(|process| {
        let place = Path::new("/proc").join(process.pid.to_string());
        let names =
            ["cmdline", "environ"].map(|file| fs::read(place.join(file)).unwrap_or_default());
        names
            .iter()
            .any(|text| text.windows(marker.len()).any(|part| part == marker))
            || fs::read_link(place.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
    });
    all
}

/// The memory that a process has, in KiB.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().split_whitespace().next();
    number.unwrap().parse().unwrap()
}

/// The files, sockets and pipes that a process has open.
pub(crate) fn open_files(pid: u32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64
}

/// The addresses at which a process accepts connections, as the kernel writes them: hexadecimal.
pub(crate) fn doors(pid: u32) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let sockets: Vec<_> = files
        .filter_map(|file| fs::read_link(file.unwrap().path()).ok())
        .filter_map(|link| {
            let link = link.to_str()?.strip_prefix("socket:[")?;
            Some(link.strip_suffix(']')?.to_owned())
        })
        .collect();
    let tables = ["tcp", "tcp6"].map(|table| format!("/proc/{pid}/net/{table}"));
    let tables = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let open = lines.filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        // `0A` is what the kernel calls listening.
        let is_ours = words[3] == "0A" && sockets.iter().any(|socket| socket == words[9]);
        is_ours.then(|| words[1].to_owned())
    });
    open.collect()
}
