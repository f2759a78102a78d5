//! Directories that are gone when the test process is, however it ends.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// Below this, a memory file system is too small for the databases of a parallel run.
const ROOM_KIB: u64 = 1024 * 1024;

/// A new directory for this process's files, in memory where the machine allows it.
///
/// # Errors
/// When the directory cannot be made.
pub fn new_directory() -> io::Result<PathBuf> {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        if room_kib(&memory).is_some_and(|room| room >= ROOM_KIB) { memory } else { std::env::temp_dir() }
    });
    Ok(tempfile::Builder::new().prefix("tandem-test-").tempdir_in(base)?.keep())
}

/// This process's own directory, removed after it.
pub fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<(PathBuf, Child)> = OnceLock::new();
    let (path, _) = DIRECTORY.get_or_init(|| {
        let path = new_directory().expect("a temporary directory can be made");
        let guard = after_this_process(r#"rm -rf "$1""#, &[&path]).expect("a shell can be started");
        (path, guard)
    });
    path
}

/// Runs a shell script with these arguments once this process has ended, by whatever end.
///
/// The shell waits for the end of its input, a pipe that the kernel closes with us. It stands in a
/// process group of its own, so Ctrl-C does not reach it, and holds no output of ours, so
/// that whoever reads the tests' output is not kept waiting. Keep the child: dropping it is the end of the pipe.
///
/// # Errors
/// When there is no shell.
pub fn after_this_process(script: &str, arguments: &[&Path]) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", &format!("trap '' HUP INT TERM\ncat >/dev/null\n{script}"), "sh"])
        .args(arguments)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// What is free on the file system of this directory; nothing where there is no such directory.
fn room_kib(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
    let listing = Command::new("df").arg("-Pk").arg(path).output().ok()?;
    let listing = String::from_utf8(listing.stdout).ok()?;
    listing.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}
