//! Every file of `fuzz/corpora/` through its target, as a fuzzer runs it: what fuzzing has found stays found, also where
//! there is no fuzzer.
#![allow(clippy::unwrap_used, reason = "a test")]

use allocation_counter::measure;
use malpan_e2e::fuzzing::{DECODERS, TARGETS, Target, memory_for};
use std::{collections::BTreeSet, fs, panic::catch_unwind, path::PathBuf, thread};

fn fuzz(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz").join(folder)
}

/// What is in a folder.
fn files(folder: &str) -> BTreeSet<PathBuf> {
    fs::read_dir(fuzz(folder)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The names of what is in a folder, without their extension.
fn names(folder: &str) -> BTreeSet<String> {
    files(folder).iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpora"), targets);
}

#[test]
fn every_corpus_passes() {
    thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(|| replay(target));
        }
    });
}

/// The empty input, and every file of the target's corpus.
fn replay((name, target): &Target) {
    target(&[]);
    let files = files(&format!("corpora/{name}"));
    assert!(!files.is_empty(), "an empty corpus: {name}");
    for file in files {
        let input = fs::read(&file).unwrap();
        // Its own panic has said what is wrong; this says with which file.
        let used =
            catch_unwind(|| measure(|| target(&input)).bytes_max).unwrap_or_else(|_| panic!("{}", file.display()));
        if DECODERS.contains(name) {
            assert!(used <= memory_for(&input), "{used} bytes: {}", file.display());
        }
    }
}
