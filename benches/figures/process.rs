//! CPU time and memory of processes, as the kernel tells them.

use std::path::Path;

use crate::Outcome;

/// Linux tells CPU time in ticks of this length.
const TICK_MILLISECONDS: u64 = 10;

struct Stat {
    parent: u32,
    own_ticks: u64,
    reaped_ticks: u64,
}

fn stat(pid: u32) -> Outcome<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The program's name stands in brackets and may hold anything.
    let (_, rest) = text.rsplit_once(')').ok_or("unreadable stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| -> Outcome<u64> { Ok(fields.get(at).ok_or("short stat")?.parse()?) };
    Ok(Stat {
        parent: u32::try_from(number(1)?)?,
        own_ticks: number(11)? + number(12)?,
        reaped_ticks: number(13)? + number(14)?,
    })
}

/// CPU time of all threads of a process.
pub fn cpu_milliseconds(pid: u32) -> Outcome<u64> {
    Ok(stat(pid)?.own_ticks * TICK_MILLISECONDS)
}

/// CPU time of a process, its children, and the children it has outlived.
pub fn cpu_milliseconds_with_children(pid: u32) -> Outcome<u64> {
    let first = stat(pid)?;
    let mut ticks = first.own_ticks + first.reaped_ticks;
    for entry in Path::new("/proc").read_dir()?.flatten() {
        let child = entry.file_name().to_str().and_then(|name| name.parse().ok());
        // A process may end between the listing and the look.
        if let Some(Ok(child)) = child.map(stat)
            && child.parent == pid
        {
            ticks += child.own_ticks;
        }
    }
    Ok(ticks * TICK_MILLISECONDS)
}

/// The most memory a process has held, in MiB.
pub fn peak_mebibytes(pid: u32) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().next().ok_or("no VmHWM")?.parse::<u64>()? / 1024)
}
