//! Whatever happens to a run that writes, its output is whole or not there, and its input is what it was.

#[path = "whole/folders.rs"]
mod folders;
#[path = "whole/refused.rs"]
mod refused;
#[path = "whole/runs.rs"]
mod runs;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use runs::{Runs, names};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Resource, Signal};

/// Delays from a seed, up to `most`.
struct Delays(u64);

impl Delays {
    fn next(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        most.mul_f64((self.0 >> 33) as f64 / (1_u64 << 31) as f64)
    }
}

#[test]
fn kill_9_at_any_moment_leaves_the_output_whole_or_absent() {
    let runs = Runs::new();
    let most = runs.duration().mul_f64(2.0);
    let mut delays = Delays(1);
    let (mut whole, mut strays) = (0, 0);
    for _ in 0..250 {
        let mut child = runs.start("out.h5", &[]);
        std::thread::sleep(delays.next(most));
        child.kill().unwrap();
        child.wait().unwrap();
        whole += u32::from(runs.take_whole("out.h5"));
        strays += names(&runs.folder()).len();
    }
    // The moments were well chosen: before, while and after the file was written.
    assert!((5..245).contains(&whole) && strays > 5, "{whole} whole, {strays} strays");
    runs.check("other.h5", &[], true);
    assert_eq!(names(&runs.folder()), ["other.h5"], "the next run clears what is left");
    runs.check_input();
}

fn is_locked(path: &Path) -> bool {
    let Ok(file) = fs::File::open(path) else { return false };
    // Closing the file gives the lock back.
    flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
}

#[test]
fn a_run_that_is_still_at_work_is_not_cleared_away() {
    let runs = Runs::new();
    let stopped = loop {
        let child = runs.start("slow.h5", &[]);
        if runs.wait_for_partial() {
            runs::signal(&child, Signal::STOP);
            // One that is stopped before it holds its lock starts anew later, with another file.
            if runs.partial().is_some_and(|partial| is_locked(&partial)) {
                break child;
            }
            runs::signal(&child, Signal::CONT);
        }
        child.wait_with_output().unwrap();
        assert!(runs.take_whole("slow.h5"));
    };
    runs.check("other.h5", &[], true);
    assert_eq!(names(&runs.folder()).len(), 2, "the other run's partial file is there");
    runs::signal(&stopped, Signal::CONT);
    assert!(stopped.wait_with_output().unwrap().status.success());
    assert!(runs.take_whole("slow.h5") && runs.take_whole("other.h5"));
    assert!(names(&runs.folder()).is_empty());
}

#[test]
fn an_interrupted_run_leaves_nothing_and_ends_by_the_signal() {
    let runs = Runs::new();
    let most = runs.duration();
    let mut delays = Delays(2);
    let mut interrupted = 0;
    for round in 0..25 {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let child = runs.start("out.h5", &[]);
            if round % 2 == 0 {
                std::thread::sleep(delays.next(most));
            } else {
                runs.wait_for_partial();
            }
            runs::signal(&child, signal);
            let status = child.wait_with_output().unwrap().status;
            let is_whole = runs.take_whole("out.h5");
            match status.signal() {
                Some(found) => assert_eq!(found, signal.as_raw()),
                None => assert!(status.success() && is_whole, "{status}"),
            }
            interrupted += u32::from(!is_whole);
            assert!(names(&runs.folder()).is_empty(), "{:?}", names(&runs.folder()));
        }
    }
    assert!(interrupted > 10, "{interrupted} of 75 were interrupted");
    // In a shell's words.
    let shell = format!("{} & p=$!; sleep 0.01; kill -TERM $p; wait $p; echo $?", runs.command_line("out.h5"));
    let told = Command::new("sh").args(["-c", &shell]).output().unwrap().stdout;
    assert!(["143\n", "0\n"].contains(&String::from_utf8(told).unwrap().as_str()));
    runs.check_input();
}

#[test]
fn what_is_ignored_stays_ignored() {
    let runs = Runs::new();
    let shell = format!("trap '' HUP; {} & p=$!; kill -HUP $p; wait $p; echo $?", runs.command_line("out.h5"));
    let told = Command::new("sh").args(["-c", &shell]).stderr(Stdio::null()).output().unwrap().stdout;
    assert_eq!(String::from_utf8(told).unwrap(), "0\n");
    assert!(runs.take_whole("out.h5"));
}

#[test]
fn fifty_runs_at_once_to_files_of_their_own_are_all_right() {
    let runs = Runs::new();
    let children: Vec<_> = (0..50).map(|number| runs.start(&format!("{number}.h5"), &[])).collect();
    for child in children {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert!((0..50).all(|number| runs.take_whole(&format!("{number}.h5"))));
    assert!(names(&runs.folder()).is_empty());
    runs.check_input();
}

#[test]
fn of_fifty_runs_at_once_to_one_file_one_wins_and_the_others_say_so() {
    let runs = Runs::new();
    let children: Vec<_> = (0..50).map(|_| runs.start("out.h5", &[])).collect();
    let mut winners = 0;
    for child in children {
        let done = child.wait_with_output().unwrap();
        match done.status.code() {
            Some(0) => winners += 1,
            _ => assert_eq!(
                String::from_utf8(done.stderr).unwrap(),
                format!("h5-config-set: {}: exists\nhint: --force replaces it\n", runs.out("out.h5"))
            ),
        }
    }
    assert_eq!(winners, 1);
    assert!(runs.take_whole("out.h5"));

    let children: Vec<_> = (0..50).map(|_| runs.start("out.h5", &["--force"])).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
        assert!(runs.is_whole("out.h5"));
    }
    assert_eq!(names(&runs.folder()), ["out.h5"]);
    runs.check_input();
}

#[test]
fn the_two_numpy_arrays_are_never_of_two_runs() {
    let runs = Runs::new();
    let folder = runs.folder().join("arrays");
    let write = |seed: u32| {
        let mut command = runs.program("classes-sites");
        command.args(["--shape", "28,28,64", "--operator", "conv_gemm", "--count", "40", "--npy"]);
        command.arg(&folder).args(["--seed", &seed.to_string()]).stderr(Stdio::null());
        command
    };
    let pair = || ["injections.npy", "masks.npy"].map(|name| fs::read(folder.join(name)).ok());
    let started = Instant::now();
    let pairs = [1, 2].map(|seed| {
        assert!(write(seed).status().unwrap().success());
        pair()
    });
    let most = started.elapsed().mul_f64(0.6);
    let mut delays = Delays(3);
    for round in 0..50 {
        let signal = if round % 2 == 0 { Signal::KILL } else { Signal::INT };
        let before = names(&folder);
        let child = write(1 + round / 2 % 2).spawn().unwrap();
        std::thread::sleep(delays.next(most));
        runs::signal(&child, signal);
        child.wait_with_output().unwrap();
        let found = pair();
        // Only SIGKILL between the two renames leaves one without the other, and then it is the masks that lack.
        let is_half = signal == Signal::KILL && found[1].is_none();
        let is_of_one_run = |pair: &[Option<Vec<u8>>; 2]| found[0].is_none() || found[0] == pair[0];
        assert!(pairs.contains(&found) || is_half && pairs.iter().any(is_of_one_run), "round {round}");
        if is_half {
            assert!(write(1).status().unwrap().success());
        }
        if signal == Signal::INT {
            assert!(names(&folder).iter().all(|name| before.contains(name)), "{:?}", names(&folder));
        }
    }
    assert!(write(1).status().unwrap().success());
    assert_eq!(names(&folder), ["injections.npy", "masks.npy"], "the next run clears what is left");
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_wherever_it_cuts() {
    let runs = Runs::new();
    let size = fs::metadata(runs.reference()).unwrap().len();
    let limited = |bytes: u64| {
        let mut command = runs.command("out.h5", &[]);
        runs::limit(&mut command, Resource::Fsize, bytes).output().unwrap()
    };
    for step in 0..40 {
        let done = limited(size * step / 40);
        let told = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "step {step}: {told}");
        assert_eq!(
            told,
            format!("h5-config-set: {}: larger than a file may be here\n", runs.out("out.h5")),
            "step {step}"
        );
        assert!(names(&runs.folder()).is_empty(), "step {step}: {:?}", names(&runs.folder()));
    }
    assert!(limited(size).status.success());
    assert!(runs.take_whole("out.h5"));
    runs.check_input();
}

#[test]
fn a_full_disk_is_an_error_wherever_it_cuts() {
    let runs = Runs::new();
    let size = fs::metadata(runs.reference()).unwrap().len();
    // In a mount namespace of its own, a disk of so many bytes on the folder.
    let on_disk_of = |bytes: u64, then: &str| {
        let folder = runs.folder();
        let shell = format!(
            "mount -t tmpfs -o size={bytes} none {0} || exit 77; {1}; echo $?; ls -A {0}; {then}",
            folder.display(),
            runs.command_line("out.h5"),
        );
        Command::new("unshare").args(["--map-root-user", "--mount", "sh", "-c", &shell]).output().unwrap()
    };
    if on_disk_of(size * 2, "").status.code() == Some(77) {
        eprintln!("no small disk can be mounted here; the limit on the size of files cuts at the same places");
        return;
    }
    for step in 1..20 {
        let done = on_disk_of(size * step / 20, "");
        let told = String::from_utf8(done.stderr).unwrap();
        assert_eq!(String::from_utf8(done.stdout).unwrap(), "1\n", "step {step}: {told}");
        assert_eq!(told, format!("h5-config-set: {}: no space left on the disk\n", runs.out("out.h5")), "step {step}");
    }
    let keep = format!("cp {} {}", runs.out("out.h5"), runs.reference().with_extension("kept").display());
    let done = on_disk_of(size + 65_536, &keep);
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "0\nout.h5\n");
    assert_eq!(fs::read(runs.reference().with_extension("kept")).unwrap(), fs::read(runs.reference()).unwrap());
    runs.check_input();
}
