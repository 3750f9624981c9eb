//! From counts to a model: rare rows are merged, rare classes left out.

use std::collections::HashMap;

use thiserror::Error;

use super::measure::KEYS;
use super::tally::{self, Mix, MixRow, Row, Tallies, Tally, VALUES};
use crate::pattern::SpatialClass;
use crate::value::ValueClass;

/// A row below this share of all sites is rare.
const RARE: f64 = 0.01;

/// A class, or a mix of values, of fewer sites is left out or merged.
const FEWEST: u64 = 5;

/// A model with its counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// How many sites the model rests on.
    pub count: u64,
    /// How many sites there were.
    pub of: u64,
    /// The spatial classes, the most frequent first.
    pub classes: Vec<FittedClass>,
    /// The classes that are left out, with their sites.
    pub left_out: Vec<(SpatialClass, u64)>,
    /// Whether it was made as cnn-error-classifier does.
    pub conform: bool,
}

/// A spatial class of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedClass {
    /// The class.
    pub class: SpatialClass,
    /// How many sites it had, and how many of them are in its rows.
    pub seen: u64,
    /// How many sites are in its rows.
    pub count: u64,
    /// Its mixes of values.
    pub mixes: Vec<FittedMix>,
    /// Its sets of parameters.
    pub rows: Vec<FittedRow>,
    /// How many rare rows, and how many sites, were merged into the last.
    pub merged: Option<(usize, u64)>,
}

/// A mix of values.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedMix {
    /// How many sites have it.
    pub count: u64,
    /// Which classes, each with its range in percent; or, by cells, the shares of all that are too rare for a mix of their own.
    pub values: MixValues,
}

/// The values of a mix.
#[derive(Clone, Debug, PartialEq)]
pub enum MixValues {
    /// One class or two.
    Shares(Vec<(ValueClass, [f64; 2])>),
    /// Each cell by its share.
    Each(Vec<(ValueClass, f64)>),
}

/// A set of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedRow {
    /// How many sites have it.
    pub count: u64,
    /// The keys, each with one value or several to choose from.
    pub keys: Vec<(&'static str, Vec<Parameter>)>,
    /// The stats.
    pub stats: Vec<(&'static str, Vec<Parameter>)>,
}

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Parameter {
    /// A count.
    Count(u32),
    /// A range in percent.
    Percent([f64; 2]),
}

/// Why there is no model.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EstimateError {
    /// Nothing was counted.
    #[error("no sites")]
    NoSites,
    /// Every class is too rare.
    #[error("{count} sites are too few for a model: no spatial class has {FEWEST}")]
    TooFew {
        /// How many there were.
        count: u64,
    },
}

/// What injected faults led to, as counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcomes {
    /// The output was as without the fault.
    pub masked: u64,
    /// The output was corrupted.
    pub sdc: u64,
    /// The program crashed or hung.
    pub crashed: u64,
}

pub(super) fn fit(tallies: &Tallies, of: u64, conform: bool) -> Result<Fitted, EstimateError> {
    if of == 0 {
        return Err(EstimateError::NoSites);
    }
    let mut classes = Vec::new();
    let mut left_out = Vec::new();
    for (class, tally) in SpatialClass::ALL.into_iter().zip(tallies).filter(|(_, tally)| tally.count > 0) {
        match tally.count < FEWEST {
            true => left_out.push((class, tally.count)),
            false => classes.push(fitted(class, tally, of, conform)),
        }
    }
    classes.sort_by_key(|class| std::cmp::Reverse(class.count));
    match classes.iter().map(|class| class.count).sum() {
        0 => Err(EstimateError::TooFew { count: of }),
        count => Ok(Fitted { count, of, classes, left_out, conform }),
    }
}

fn fitted(class: SpatialClass, tally: &Tally, of: u64, conform: bool) -> FittedClass {
    let (mut common, mut rare) = (Vec::new(), Vec::new());
    for (keys, row) in ordered(&tally.rows, |row| (row.count, row.seen)) {
        let is_rare = (row.count as f64 / of as f64) < RARE;
        if is_rare { rare.push((keys, row)) } else { common.push((keys, row)) }
    }
    let merged = rare.iter().map(|(_, row)| row.count).sum::<u64>();
    let mut rows: Vec<FittedRow> = common.into_iter().map(|one| merge(class, &[one], conform)).collect();
    // cnn-error-classifier drops what is still too rare when merged.
    let keeps = if conform { FEWEST } else { 1 };
    if merged >= keeps {
        rows.push(merge(class, &rare, conform));
    }
    FittedClass {
        class,
        seen: tally.count,
        count: rows.iter().map(|row| row.count).sum(),
        mixes: mixes(tally, of, conform),
        rows,
        merged: (rare.len() > 1 && merged >= keeps).then_some((rare.len(), merged)),
    }
}

/// The entries with the largest counts first, of equal ones that which was seen first.
fn ordered<K: Copy, R>(rows: &HashMap<K, R>, order: impl Fn(&R) -> (u64, u64)) -> Vec<(K, &R)> {
    let mut entries: Vec<(K, &R)> = rows.iter().map(|(key, row)| (*key, row)).collect();
    entries.sort_by_key(|(_, row)| {
        let (count, seen) = order(row);
        (std::cmp::Reverse(count), seen)
    });
    entries
}

/// A set of parameters from one row or several; of several, each parameter is any that one of them has.
fn merge(class: SpatialClass, rows: &[([u32; KEYS], &Row)], conform: bool) -> FittedRow {
    let names = class.parameters();
    let key = |place: usize, name: &'static str| {
        let value = |(keys, row): &([u32; KEYS], &Row)| match name.ends_with("_pct") {
            // Of merged rows the bins are enough: what they share is that they are rare.
            true if conform || rows.len() > 1 => Parameter::Percent(tally::share_percents(keys[place])),
            true if name == "avg_span_corruption_pct" => Parameter::Percent(span_percent(row)),
            true => Parameter::Percent(row.shares[place]),
            false => Parameter::Count(keys[place]),
        };
        (name, distinct(rows.iter().map(value)))
    };
    let stat = |place: usize, name: &'static str| {
        (name, distinct(rows.iter().map(|(_, row)| Parameter::Count(row.stats[place]))))
    };
    FittedRow {
        count: rows.iter().map(|(_, row)| row.count).sum(),
        keys: names.keys.iter().enumerate().map(|(place, name)| key(place, name)).collect(),
        stats: names.stats.iter().enumerate().map(|(place, name)| stat(place, name)).collect(),
    }
}

/// The share of spans that gives the measured share when spans of the row's widths are drawn: a span whose first or last cell
/// is left out is measured as a shorter one, and of a short span a share is a whole number of cells.
fn span_percent(row: &Row) -> [f64; 2] {
    let (min, max) = (row.stats[3], row.stats[4]);
    let wanted = row.whole.0 as f64 / row.whole.1.max(1) as f64;
    let measured = |share: f64| {
        let (mut cells, mut spans) = (0.0, 0.0);
        for width in min..=max {
            let count = (f64::from(width) * share).round_ties_even().max(1.0);
            cells += count;
            // The expected distance from the first to the last of so many cells of a span, both counted.
            spans += 1.0 + (count - 1.0) * (f64::from(width) + 1.0) / (count + 1.0);
        }
        cells / spans
    };
    // The measured share is never less than the drawn one, and rises again where next to nothing is drawn.
    let shares = (0..100).map(|step| wanted * f64::from(100 - step) / 100.0);
    let share = shares.into_iter().find(|&share| measured(share) <= wanted).unwrap_or(wanted);
    [100.0 * share; 2]
}

fn distinct(values: impl Iterator<Item = Parameter>) -> Vec<Parameter> {
    let mut found = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// The mixes of a class; the rare ones are one, in which each cell is drawn by the shares that the cells have.
fn mixes(tally: &Tally, of: u64, conform: bool) -> Vec<FittedMix> {
    let mut mixes = Vec::new();
    let (mut rare, mut cells) = (0, [0; VALUES]);
    for (mix, row) in ordered(&tally.mixes, |row| (row.count, row.seen)) {
        let MixRow { count, .. } = *row;
        let is_rare = count < FEWEST || (count as f64 / of as f64) < RARE;
        match shares(mix, row.shares, conform).filter(|_| !is_rare) {
            Some(shares) => mixes.push(FittedMix { count, values: MixValues::Shares(shares) }),
            None => {
                rare += count;
                add(&mut cells, &row.cells);
            }
        }
    }
    if rare > 0 {
        if conform {
            // cnn-error-classifier counts the cells of all sites of the class.
            cells = [0; VALUES];
            tally.mixes.values().for_each(|row| add(&mut cells, &row.cells));
        }
        let total: u64 = cells.iter().sum();
        let shares = ValueClass::ALL.into_iter().zip(cells).filter(|(_, cells)| *cells > 0);
        let shares = shares.map(|(class, cells)| (class, cells as f64 / total as f64)).collect();
        mixes.push(FittedMix { count: rare, values: MixValues::Each(shares) });
    }
    mixes
}

fn add(cells: &mut [u64; VALUES], more: &[u64; VALUES]) {
    cells.iter_mut().zip(more).for_each(|(mine, other)| *mine += other);
}

/// The classes of a mix with their ranges; none of three classes or more.
fn shares(mix: Mix, seen: [f64; 2], conform: bool) -> Option<Vec<(ValueClass, [f64; 2])>> {
    match mix {
        Mix::One(class) => Some(vec![(class, [100.0, 100.0])]),
        Mix::Two(first, second, bin) => {
            let [from, to] = if conform { tally::mix_percents(bin) } else { seen };
            // In cnn-error-classifier the second range ends at 100, whatever the first is.
            let rest = [100.0 - to, if conform { 100.0 } else { 100.0 - from }];
            let mut shares = vec![(first, [from, to]), (second, rest)];
            shares.sort_by(|(_, a), (_, b)| b[0].total_cmp(&a[0]));
            Some(shares)
        }
        Mix::More => None,
    }
}
