//! The list of what can be injected: as a table for people, as tab-separated values and as lines of JSON for programs.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use crate::operator::Operator;
use crate::target::{Size, Target};
use crate::text::shown;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Aligned columns below a heading.
    Table,
    /// Tab-separated values: name, class, shape, operator, consumers; no heading.
    Tsv,
    /// One JSON object a line; the shape is null unless height, width and channels are all known.
    JsonLines,
}

/// Writes one line for each target, in the given order. What is unknown is `?`, or null in JSON.
///
/// # Errors
/// Those of `out`.
pub fn write(targets: &[Target], style: Style, out: &mut impl Write) -> io::Result<()> {
    match style {
        Style::Table => write_table(targets, out),
        Style::Tsv => targets.iter().try_for_each(|target| writeln!(out, "{}", cells(target).join("\t"))),
        Style::JsonLines => targets.iter().try_for_each(|target| {
            serde_json::to_writer(&mut *out, &Row::new(target))?;
            out.write_all(b"\n")
        }),
    }
}

fn write_table(targets: &[Target], out: &mut impl Write) -> io::Result<()> {
    let mut rows = vec![["name", "class", "shape", "operator", "consumers"].map(str::to_owned)];
    rows.extend(targets.iter().map(cells));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    rows.iter().try_for_each(|row| {
        row.iter().zip(widths).try_for_each(|(cell, width)| write!(out, "{cell:width$}  "))?;
        writeln!(out, "{}", row[4])
    })
}

fn cells(target: &Target) -> [String; 5] {
    [
        shown(&target.path),
        shown(&target.class),
        target.size.to_string(),
        target.operator.map_or("?", Operator::name).to_owned(),
        target.consumers.to_string(),
    ]
}

impl fmt::Display for Size {
    /// `27x27x16`: height, width, channels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Size::default() {
            return f.write_str("?");
        }
        let [h, w, c] = [self.h, self.w, self.c].map(|axis| axis.map_or("?".to_owned(), |axis| axis.to_string()));
        write!(f, "{h}x{w}x{c}")
    }
}

/// The members of a line of JSON, in their order.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    class: &'a str,
    shape: Option<Axes>,
    operator: Option<&'static str>,
    consumers: usize,
}

#[derive(Serialize)]
struct Axes {
    h: usize,
    w: usize,
    c: usize,
}

impl<'a> Row<'a> {
    fn new(target: &'a Target) -> Self {
        Row {
            name: &target.path,
            class: &target.class,
            shape: target.size.shape().map(|shape| Axes { h: shape.h, w: shape.w, c: shape.c }),
            operator: target.operator.map(Operator::name),
            consumers: target.consumers,
        }
    }
}
