//! What was counted of a spatial class: its rows of parameters and its mixes of values.

use std::collections::HashMap;

use super::measure::{KEYS, Key, Measured, STATS};
use crate::pattern::SpatialClass;
use crate::value::ValueClass;

/// How many bins a share has, and how many that of a mix.
const BINS: u64 = 10;
const MIX_BINS: u64 = 8;

/// How many value classes there are.
pub(super) const VALUES: usize = ValueClass::ALL.len();

/// What was counted of one spatial class.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub count: u64,
    pub rows: HashMap<[u32; KEYS], Row>,
    pub mixes: HashMap<Mix, MixRow>,
}

/// Sites whose keys are alike.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub count: u64,
    /// When the first was seen.
    pub seen: u64,
    /// The least and the greatest share seen, in percent, of the keys that are shares.
    pub shares: [[f64; 2]; KEYS],
    /// Of all sites together, so many of so many, where the first key is a share.
    pub whole: (u64, u64),
    pub stats: [u32; STATS],
}

/// Which value classes appear together, and in which share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mix {
    One(ValueClass),
    /// Of two, the bin of the first one's share.
    Two(ValueClass, ValueClass, u64),
    More,
}

/// Sites of one mix.
#[derive(Clone, Debug)]
pub(super) struct MixRow {
    pub count: u64,
    pub seen: u64,
    /// The least and the greatest share of the first class seen, in percent.
    pub shares: [f64; 2],
    /// How many cells had each class.
    pub cells: [u64; VALUES],
}

/// The upper end of the bin that a share is in, counted from 1; the lower end is outside, as if it were less.
fn bin(share: u64, of: u64, bins: u64) -> u64 {
    (share * bins).div_ceil(of.max(1)).clamp(1, bins)
}

/// The same by the arithmetic of cnn-error-classifier, which rounds on the way.
fn rounded_bin(share: u64, of: u64, bins: u64) -> u64 {
    (((share as f64 / of as f64) * bins as f64).ceil() as u64).clamp(1, bins)
}

/// The ends of a bin in percent.
pub(super) fn percents(bin: u64, bins: u64) -> [f64; 2] {
    let step = 100.0 / bins as f64;
    [(bin - 1) as f64 * step, bin as f64 * step]
}

/// The ends of a bin of a share.
pub(super) fn share_percents(bin: u32) -> [f64; 2] {
    percents(u64::from(bin), BINS)
}

/// The ends of a bin of a mix.
pub(super) fn mix_percents(bin: u64) -> [f64; 2] {
    percents(bin, MIX_BINS)
}

/// Whether a stat is the least of what was seen; else it is the greatest.
pub(super) fn is_least(name: &str) -> bool {
    name.starts_with("min_")
}

impl Tally {
    /// Counts a site. `values` are the classes of its cells in the order in which they appear, each with its cells.
    pub fn add(&mut self, measured: &Measured, values: &[(ValueClass, u64)], seen: u64, conform: bool) {
        self.count += 1;
        let keys = measured.keys.map(|key| match key {
            Key::Count(count) => count,
            Key::Share(share, of) | Key::Mean(share, of, _) if conform => rounded_bin(share, of, BINS) as u32,
            Key::Share(share, of) | Key::Mean(share, of, _) => bin(share, of, BINS) as u32,
        });
        let shares = measured.keys.map(shares);
        let row = self.rows.entry(keys).or_insert(Row { count: 0, seen, shares, whole: (0, 0), stats: measured.stats });
        row.count += 1;
        if let Key::Share(share, of) | Key::Mean(share, of, _) = measured.keys[0] {
            row.whole = (row.whole.0 + share, row.whole.1 + of);
        }
        row.shares.iter_mut().zip(shares).for_each(|(seen, share)| widen(seen, share));
        let names = measured.class.parameters().stats;
        for ((mine, other), name) in row.stats.iter_mut().zip(measured.stats).zip(names) {
            *mine = if is_least(name) { other.min(*mine) } else { other.max(*mine) };
        }
        let (mix, share) = mix(values, conform);
        let new = || MixRow { count: 0, seen, shares: [share; 2], cells: [0; VALUES] };
        let row = self.mixes.entry(mix).or_insert_with(new);
        row.count += 1;
        widen(&mut row.shares, [share; 2]);
        for &(class, cells) in values {
            row.cells[class as usize] += cells;
        }
    }
}

fn widen(seen: &mut [f64; 2], share: [f64; 2]) {
    *seen = [seen[0].min(share[0]), seen[1].max(share[1])];
}

/// The range in percent that gives a key's share again when it is drawn from. A mean stands for the whole numbers of cells
/// next to it whose shares are in its bin: each part draws one of its own.
fn shares(key: Key) -> [f64; 2] {
    match key {
        Key::Count(_) => [0.0; 2],
        Key::Share(share, of) => [100.0 * share as f64 / of as f64; 2],
        Key::Mean(share, of, each) => {
            let bin = bin(share, of, BINS);
            let (least, most) = ((bin - 1) * each / BINS + 1, bin * each / BINS);
            let mean = share as f64 / of as f64 * each as f64;
            let within = |cells: f64| 100.0 * cells.max(least as f64).min(most.max(least) as f64) / each as f64;
            [within(mean.floor()), within(mean.ceil())]
        }
    }
}

/// The mix of some value classes, and the share of the first in percent. Of two, the more frequent is the first; in
/// cnn-error-classifier that which appears first.
fn mix(values: &[(ValueClass, u64)], conform: bool) -> (Mix, f64) {
    match *values {
        [(class, _)] => (Mix::One(class), 100.0),
        [first, second] => {
            let total = first.1 + second.1;
            if conform {
                return (Mix::Two(first.0, second.0, rounded_bin(first.1, total, MIX_BINS)), 0.0);
            }
            let is_first = first.1 > second.1 || first.1 == second.1 && (first.0 as usize) < second.0 as usize;
            let (first, second) = if is_first { (first, second) } else { (second, first) };
            let share = 100.0 * first.1 as f64 / total as f64;
            (Mix::Two(first.0, second.0, bin(first.1, total, MIX_BINS)), share)
        }
        _ => (Mix::More, 100.0),
    }
}

/// A class's name is the same for all its sites, so a tally knows the parameters by it.
pub(super) type Tallies = [Tally; SpatialClass::ALL.len()];
