//! Pictures as SVG. A contact sheet of sites: for each site the channels it corrupts, their cells coloured by the kind of value;
//! and error models side by side ([`compare`]).
//!
//! A sheet is made in two steps, since its size stands in its first line: [`Sheet::read`] takes the sites and keeps what
//! is drawn of them, [`Sheet::write`] writes. The same sites give the same bytes.

pub mod compare;
mod kind;
mod panel;
pub mod remarks;
mod svg;
mod view;

use std::io::{self, BufRead, Write};

use thiserror::Error;

use crate::layout::Shape;
use crate::progress::Progress;
use crate::sites::lines::{LineError, Reader};
use crate::text::short;
use kind::Kind;
use panel::Panel;
use remarks::Remarks;
use svg::{px, text};
use view::View;

/// The most panels side by side where nothing else is said.
const MOST_COLUMNS: usize = 6;

/// Around and between panels, in pixels.
const MARGIN: f64 = 16.0;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetOptions {
    /// The most sites; the rest is counted.
    pub most: u64,
    /// The most channels of a site; the rest is counted.
    pub channels: usize,
    /// How many panels side by side; else as many as make the sheet about square, at most six.
    pub columns: Option<usize>,
}

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum PlotError {
    /// A line that is no site.
    #[error("{0}")]
    Line(#[from] LineError),
    /// Nothing to draw.
    #[error("no sites")]
    NoSites,
}

/// The sites of one picture, drawn.
#[derive(Debug)]
pub struct Sheet {
    shape: Shape,
    /// What drew the sites, where all say the same.
    model: Option<String>,
    panels: Vec<Panel>,
    /// How many sites there are, the drawn ones included.
    sites: u64,
    /// The cells of each kind in the drawn sites.
    counts: [u64; Kind::ALL.len()],
    columns: usize,
}

impl Sheet {
    /// Reads lines of sites. `progress` counts them.
    ///
    /// # Errors
    /// A bad line, drawn or not, or no line at all.
    pub fn read(input: impl BufRead, options: SheetOptions, progress: &Progress) -> Result<Self, PlotError> {
        let mut reader = Reader::new(input);
        let mut sheet: Option<Sheet> = None;
        while let Some(site) = reader.next() {
            let site = site?;
            let sheet = sheet.get_or_insert_with(|| Sheet::empty(site.shape));
            if sheet.sites < options.most {
                let remarks = Remarks::read(reader.text());
                let kinds: Vec<Kind> =
                    site.cells.iter().enumerate().map(|(i, cell)| Kind::of(cell.fault, remarks.class(i))).collect();
                kinds.iter().for_each(|&kind| sheet.counts[kind as usize] += 1);
                match (sheet.sites, &sheet.model) {
                    (0, _) => sheet.model = remarks.model.clone(),
                    (_, Some(model)) if Some(model) != remarks.model.as_ref() => sheet.model = None,
                    _ => {}
                }
                sheet.panels.push(Panel::draw(sheet.sites, &site, &kinds, &remarks, options.channels));
            }
            sheet.sites += 1;
            progress.add(1);
        }
        let mut sheet = sheet.ok_or(PlotError::NoSites)?;
        let square = (sheet.panels.len() as f64).sqrt().ceil() as usize;
        sheet.columns = options.columns.unwrap_or(square.min(MOST_COLUMNS)).clamp(1, sheet.panels.len().max(1));
        Ok(sheet)
    }

    fn empty(shape: Shape) -> Self {
        Sheet { shape, model: None, panels: Vec::new(), sites: 0, counts: Default::default(), columns: 1 }
    }

    /// Writes the picture.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let across = self.columns as f64;
        let width = across * panel::WIDTH + (across + 1.0) * MARGIN;
        let legend = Legend::new(self, width - 2.0 * MARGIN);
        let rows: Vec<&[Panel]> = self.panels.chunks(self.columns).collect();
        let heights: Vec<f64> =
            rows.iter().map(|row| row.iter().map(Panel::height).fold(0.0, f64::max) + MARGIN).collect();
        let left_out = self.left_out();
        let footer = if left_out > 0 { 14.0 + MARGIN } else { 0.0 };
        let height = legend.height + heights.iter().sum::<f64>() + footer;

        svg::open(out, width, height, &format!("{} in {}", self.title(), self.shape))?;
        svg::raster(out, View::new(self.shape))?;
        legend.write(out)?;
        let mut y = legend.height;
        for (row, height) in rows.into_iter().zip(heights) {
            for (column, panel) in row.iter().enumerate() {
                let x = MARGIN + column as f64 * (panel::WIDTH + MARGIN);
                panel.write(x, y, height - MARGIN, out)?;
            }
            y += height;
        }
        if left_out > 0 {
            let plural = if left_out == 1 { " is" } else { "s are" };
            writeln!(out, "{}", text("s", MARGIN, y + 12.0, &format!("{left_out} more site{plural} not drawn")))?;
        }
        writeln!(out, "</svg>")
    }

    fn title(&self) -> String {
        let plural = if self.sites == 1 { "" } else { "s" };
        match self.left_out() {
            0 => format!("{} injection site{plural}", self.sites),
            _ => format!("{} of {} injection site{plural}", self.panels.len(), self.sites),
        }
    }

    fn left_out(&self) -> u64 {
        self.sites - self.panels.len() as u64
    }
}

/// The head of a sheet: what is seen, and what the colours mean.
struct Legend {
    lines: Vec<String>,
    height: f64,
}

impl Legend {
    /// The legend's items are this wide, in pixels.
    const ITEM: f64 = 136.0;

    fn new(sheet: &Sheet, width: f64) -> Self {
        let mut lines = vec![
            text("t", MARGIN, MARGIN + 13.0, &sheet.title()),
            text("s", MARGIN, MARGIN + 30.0, &View::new(sheet.shape).axes()),
        ];
        let mut y = MARGIN + 30.0;
        if let Some(model) = &sheet.model {
            y += 15.0;
            lines.push(text("s", MARGIN, y, &short(model, 40)));
        }
        let across = (width / Self::ITEM).floor().max(1.0) as usize;
        let shown = Kind::ALL.into_iter().filter(|&kind| sheet.counts[kind as usize] > 0);
        let mut below = y;
        for (i, kind) in shown.enumerate() {
            let x = MARGIN + (i % across) as f64 * Self::ITEM;
            below = y + 20.0 + (i / across) as f64 * 16.0;
            let count = sheet.counts[kind as usize];
            lines.push(format!(
                r#"<rect class="{}" x="{}" y="{}" width="10" height="10"/>{}"#,
                kind.css(),
                px(x),
                px(below - 9.0),
                text("l", x + 15.0, below, &format!("{}: {count}", kind.label()))
            ));
        }
        Legend { lines, height: below + MARGIN }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.lines.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: SheetOptions = SheetOptions { most: 100, channels: 16, columns: None };

    fn drawn(lines: &str, options: SheetOptions) -> String {
        let sheet = Sheet::read(lines.as_bytes(), options, &Progress::silent()).unwrap();
        let mut out = Vec::new();
        sheet.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A site in 4x5x600 with one cell in each of some channels.
    fn line(model: &str, channels: usize) -> String {
        let cells: Vec<String> = (0..channels).map(|c| format!(r#"{{"h":1,"w":2,"c":{c},"value":0}}"#)).collect();
        format!(r#"{{"model":"{model}","shape":{{"h":4,"w":5,"c":600}},"cells":[{}]}}"#, cells.join(",")) + "\n"
    }

    #[test]
    fn affected_channels_are_drawn_up_to_a_number_and_the_rest_is_counted() {
        let picture = drawn(&line("m", 512), OPTIONS);
        assert_eq!(picture.matches(">channel ").count(), 16);
        assert!(picture.contains(">512 cells in 512 of 600 channels<"));
        assert!(picture.contains(">channels not drawn: 496<"));
        assert!(picture.contains(">zero: 512<"), "the legend counts all cells of a drawn site");
        let all = drawn(&line("m", 512), SheetOptions { channels: 512, ..OPTIONS });
        assert_eq!(all.matches(">channel ").count(), 512);
        assert!(!all.contains("not drawn"));
    }

    #[test]
    fn sites_are_drawn_up_to_a_number_and_the_rest_is_counted() {
        let picture = drawn(&line("m", 1).repeat(12), SheetOptions { most: 10, ..OPTIONS });
        assert_eq!(picture.matches(">no spatial class<").count(), 10);
        assert!(picture.contains(">10 of 12 injection sites<"));
        assert!(picture.contains(">2 more sites are not drawn<"));
        assert!(picture.contains(">site 9<") && !picture.contains(">site 10<"));
    }

    #[test]
    fn the_model_is_named_where_all_sites_have_it() {
        assert!(drawn(&line("<m>", 1).repeat(2), OPTIONS).contains(">&lt;m&gt;<"));
        let two = drawn(&(line("one", 1) + &line("two", 1) + &line("one", 1)), OPTIONS);
        assert!(!two.contains(">one<") && !two.contains(">two<"));
    }

    #[test]
    fn a_bad_line_behind_the_drawn_ones_is_told() {
        let error = |lines: &str| {
            Sheet::read(lines.as_bytes(), SheetOptions { most: 1, ..OPTIONS }, &Progress::silent())
                .map(|_| ())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(error(&(line("m", 1) + &line("m", 0))), "line 2: no cells");
        assert_eq!(error("\n"), "no sites");
    }
}
