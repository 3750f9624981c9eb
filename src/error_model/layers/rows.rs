//! The file of a set: tab-separated lines, one for each row of its figures, so that a difference shows as one.
//!
//! ```text
//! layer           name  channels_in  channels_out  listed_side  side  kernel  padding  masked  sdc  crashed  tensors
//! <spatial class> weight  tensors  [frequency in the published model, where it is another]
//! =               weight  a mix of value classes of the class above: one, two with their percents, or each cell by weight
//! +               weight  a set of parameters of the class above, in the order of `names`
//! ```
//!
//! A parameter is a number, a range of percents `a..b`, or choices of these `x|y`. Lines that begin with `#` are remarks.

use serde_json::{Map, Value, json};

use super::super::Class;
use super::Layer;
use crate::pattern::{Fields, Parameters, Pattern, SpatialClass};
use crate::value::{Mix, ValueClass};
use crate::weighted::Weighted;

/// The rows of one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rows<'a> {
    text: &'a str,
    /// The number of the first line, counted from 1.
    line: usize,
}

/// A row, its numbers as they are written.
#[derive(Debug, PartialEq)]
pub(super) enum Row<'a> {
    Class { class: SpatialClass, weight: &'a str, tensors: &'a str, published: Option<&'a str> },
    Mix { weight: &'a str, values: &'a str },
    Set { weight: &'a str, values: Vec<&'a str> },
}

/// The number of a line, and what is wrong with it.
type Bad = (usize, &'static str);

/// The layers of a file, each with its rows; the number of a line that begins no layer, if there is one.
pub(super) fn sections(text: &str) -> Result<Vec<(Layer, Rows<'_>)>, usize> {
    let mut sections: Vec<(Layer, Rows)> = Vec::new();
    let mut start = 0;
    for (line, whole) in (1..).zip(text.split_inclusive('\n')) {
        let end = start + whole.len();
        let mut columns = whole.trim_end().split('\t');
        if whole.starts_with("layer\t") {
            let columns: Vec<&str> = columns.by_ref().skip(1).collect();
            let layer = Layer::read(&columns).ok_or(line)?;
            sections.push((layer, Rows { text: &text[end..end], line: line + 1 }));
        } else if let Some((_, rows)) = sections.last_mut() {
            rows.text = &text[start - rows.text.len()..end];
        } else if !whole.starts_with('#') {
            return Err(line);
        }
        start = end;
    }
    Ok(sections)
}

impl<'a> Rows<'a> {
    /// The rows with the numbers of their lines.
    pub(super) fn iter(self) -> impl Iterator<Item = Result<(usize, Row<'a>), Bad>> {
        let lines = (self.line..).zip(self.text.lines()).filter(|(_, line)| !line.starts_with('#'));
        lines.map(|(number, line)| row(line).map(|row| (number, row)).ok_or((number, "not a row")))
    }

    /// The model that the rows are.
    pub(super) fn classes(self) -> Result<Weighted<Class>, Bad> {
        let mut classes = Vec::new();
        let mut open: Option<Open> = None;
        for row in self.iter() {
            let (line, row) = row?;
            match (row, &mut open) {
                (Row::Class { class, weight, .. }, open) => {
                    let weight = weight.parse().map_err(|_| (line, "not a weight"))?;
                    if let Some(before) = open.replace(Open::new(class, weight)) {
                        classes.push(before.class(line)?);
                    }
                }
                (Row::Mix { weight, values }, Some(open)) => {
                    let mix = weight.parse().ok().zip(mix(values)).ok_or((line, "not a mix of value classes"))?;
                    open.mixes.push(mix);
                }
                (Row::Set { weight, values }, Some(open)) => {
                    let set = weight.parse().ok().zip(pattern(open.class, &values));
                    open.patterns.push(set.ok_or((line, "not a set of parameters"))?);
                }
                (_, None) => return Err((line, "no spatial class before it")),
            }
        }
        let end = self.line + self.text.lines().count();
        if let Some(last) = open {
            classes.push(last.class(end)?);
        }
        Weighted::new(classes).ok_or((end, "no spatial class"))
    }
}

/// A spatial class while its rows are read.
struct Open {
    class: SpatialClass,
    weight: f64,
    mixes: Vec<(f64, Mix)>,
    patterns: Vec<(f64, Pattern)>,
}

impl Open {
    fn new(class: SpatialClass, weight: f64) -> Self {
        Open { class, weight, mixes: Vec::new(), patterns: Vec::new() }
    }

    fn class(self, line: usize) -> Result<(f64, Class), Bad> {
        let parts = Weighted::new(self.mixes).zip(Weighted::new(self.patterns));
        let (mixes, patterns) = parts.ok_or((line, "the class before it lacks mixes or parameters"))?;
        Ok((self.weight, Class { class: self.class, mixes, patterns }))
    }
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut columns = line.split('\t');
    let (first, weight) = (columns.next()?, columns.next()?);
    Some(match first {
        "=" => Row::Mix { weight, values: columns.next()? },
        "+" => Row::Set { weight, values: columns.collect() },
        class => {
            let (tensors, published) = (columns.next()?, columns.next());
            Row::Class { class: class.parse().ok()?, weight, tensors, published }
        }
    })
}

/// The parameters of a class in the order of their columns: keys, then stats.
pub(super) fn names(class: SpatialClass) -> impl ExactSizeIterator<Item = &'static str> {
    let Parameters { keys, stats } = class.parameters();
    let count = keys.len() + stats.len();
    (0..count).map(move |i| if i < keys.len() { keys[i] } else { stats[i - keys.len()] })
}

fn pattern(class: SpatialClass, values: &[&str]) -> Option<Pattern> {
    let names = names(class);
    if names.len() != values.len() {
        return None;
    }
    let named = names.zip(values).map(|(name, text)| Some((name.to_owned(), parameter(text)?)));
    let keys: Map<String, Value> = named.collect::<Option<_>>()?;
    Pattern::new(class, &mut Fields { keys: &keys, stats: &Map::new(), pointer: "", problems: &mut Vec::new() })
}

/// A parameter as a model file in JSON has it.
fn parameter(text: &str) -> Option<Value> {
    if text.contains('|') {
        let choices: Option<Vec<Value>> = text.split('|').map(parameter).collect();
        return Some(json!({"RANDOM": choices?}));
    }
    match text.split_once("..") {
        Some((from, to)) => Some(json!([from.parse::<f64>().ok()?, to.parse::<f64>().ok()?])),
        None => Some(json!(text.parse::<u32>().ok()?)),
    }
}

/// `in_range`, `in_range 75..87.5 zero 12.5..100` or `in_range:0.75 zero:0.25`.
fn mix(text: &str) -> Option<Mix> {
    let class = |name: &str| name.parse::<ValueClass>().ok();
    let percents = |text: &str| {
        let (from, to) = text.split_once("..")?;
        Some([from.parse().ok()?, to.parse().ok()?])
    };
    if text.contains(':') {
        let each = text.split(' ').map(|entry| {
            let (name, weight) = entry.split_once(':')?;
            Some((weight.parse().ok()?, class(name)?))
        });
        return Weighted::new(each.collect::<Option<Vec<_>>>()?).map(Mix::Each);
    }
    match text.split(' ').collect::<Vec<_>>()[..] {
        [one] => class(one).map(Mix::One),
        [first, share, second, rest] => {
            Some(Mix::two((class(first)?, percents(share)?), (class(second)?, percents(rest)?)))
        }
        _ => None,
    }
}
