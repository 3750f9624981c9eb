//! One site: its title, and each map with cells that it corrupts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::kind::Kind;
use super::remarks::Remarks;
use super::svg::{px, text};
use super::view::View;
use crate::fault::Site;
use crate::text::short;

/// A panel's width, in pixels.
pub const WIDTH: f64 = 2.0 * PADDING + MAPS;

/// The room for a panel's maps, across and down, in pixels.
const MAPS: f64 = 264.0;

const PADDING: f64 = 10.0;

/// Between maps, in pixels.
const GAP: f64 = 8.0;

/// Above each map, for the channel's number, in pixels.
const LABEL: f64 = 12.0;

/// Above the first map, for title and counts, in pixels.
const HEAD: f64 = 42.0;

/// Below the maps, for each note, in pixels.
const NOTE: f64 = 15.0;

/// A cell has a square of its own where that is at least so large, in pixels.
const LEAST_CELL: f64 = 2.0;

/// Else a square stands for several cells and is at least so large, in pixels.
const LEAST_SQUARE: f64 = 3.0;

/// A cell is at most so large, in pixels.
const LARGEST_CELL: f64 = 14.0;

/// A map whose cells would still be told apart grows to this size, no further, in pixels.
const AMPLE: f64 = 160.0;

/// From this size on the cells are told apart by a raster, in pixels.
const RASTER_FROM: f64 = 4.0;

/// No map has more squares than this on a side.
pub const MOST_SQUARES: usize = (MAPS / LEAST_CELL) as usize;

/// A site, drawn.
#[derive(Debug)]
pub struct Panel {
    class: String,
    name: String,
    counts: String,
    notes: Vec<String>,
    maps: Vec<String>,
    maps_height: f64,
}

/// How the maps of one site are laid out.
struct Layout {
    /// Maps side by side.
    across: usize,
    /// Room for each, in pixels.
    slot: f64,
    /// Cells on a side of a square.
    cells: usize,
    /// Squares across and down a map.
    squares: (usize, usize),
    /// A square's side, in pixels.
    side: f64,
}

impl Layout {
    fn new(view: View, maps: usize) -> Self {
        let across = (maps as f64).sqrt().ceil().max(1.0) as usize;
        let slot = (MAPS - GAP * (across - 1) as f64) / across as f64;
        let longer = view.down.max(view.across);
        let cells = if slot / longer as f64 >= LEAST_CELL {
            1
        } else {
            longer.div_ceil((slot / LEAST_SQUARE).max(1.0) as usize)
        };
        let squares = (view.across.div_ceil(cells), view.down.div_ceil(cells));
        let longer = squares.0.max(squares.1) as f64;
        let largest = (AMPLE / longer).clamp(RASTER_FROM, LARGEST_CELL);
        let side = (slot / longer).min(largest).max(LEAST_CELL);
        Layout { across, slot, cells, squares, side }
    }

    fn map_height(&self) -> f64 {
        LABEL + self.side * self.squares.1 as f64
    }

    fn place(&self, map: usize) -> (f64, f64) {
        let (column, row) = (map % self.across, map / self.across);
        (column as f64 * (self.slot + GAP), row as f64 * (self.map_height() + GAP))
    }
}

impl Panel {
    /// Draws a site; `place` is its number where the line gives none, `most` the most channels that are drawn.
    pub fn draw(place: u64, site: &Site, kinds: &[Kind], remarks: &Remarks, most: usize) -> Self {
        let view = View::new(site.shape);
        let mut hit: BTreeMap<usize, Vec<(usize, usize, Kind)>> = BTreeMap::new();
        for (cell, &kind) in site.cells.iter().zip(kinds) {
            let (map, row, column) = view.spot(cell);
            hit.entry(map).or_default().push((row, column, kind));
        }
        let drawn = hit.len().min(most);
        let layout = Layout::new(view, drawn);
        let maps = hit.iter().take(drawn).enumerate();
        let maps: Vec<String> =
            maps.map(|(index, (number, cells))| map(&layout, view, layout.place(index), *number, cells)).collect();
        let rows = drawn.div_ceil(layout.across);
        let mut notes = Vec::new();
        if drawn < hit.len() {
            notes.push(format!("{} not drawn: {}", view.maps(), hit.len() - drawn));
        }
        if layout.cells > 1 && drawn > 0 {
            notes.push(format!("each square: {0}x{0} cells", layout.cells));
        }
        Panel {
            class: short(remarks.spatial_class.as_deref().unwrap_or("no spatial class"), 34),
            name: format!("site {}", remarks.site.unwrap_or(place)),
            counts: view.counts(site.cells.len(), hit.len()),
            notes,
            maps,
            maps_height: rows as f64 * (layout.map_height() + GAP),
        }
    }

    /// In pixels.
    pub fn height(&self) -> f64 {
        HEAD + self.maps_height + NOTE * self.notes.len() as f64 + PADDING - GAP / 2.0
    }

    /// Writes the panel with its upper left corner at `x`, `y`.
    pub fn write(&self, x: f64, y: f64, height: f64, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, r#"<g transform="translate({} {})">"#, px(x), px(y))?;
        writeln!(out, r#"<rect class="d" width="{}" height="{}" rx="4"/>"#, px(WIDTH), px(height))?;
        writeln!(out, "{}", text("p", PADDING, 19.0, &self.class))?;
        writeln!(out, "{}", text("s", PADDING, 34.0, &self.counts))?;
        writeln!(out, "{}", text("s e", WIDTH - PADDING, 34.0, &self.name))?;
        writeln!(out, r#"<g transform="translate({} {})">"#, px(PADDING), px(HEAD))?;
        self.maps.iter().try_for_each(|map| writeln!(out, "{map}"))?;
        writeln!(out, "</g>")?;
        for (i, note) in self.notes.iter().enumerate() {
            let y = HEAD + self.maps_height + NOTE * i as f64 + 8.0;
            writeln!(out, "{}", text("s", PADDING, y, note))?;
        }
        writeln!(out, "</g>")
    }
}

/// One map: its label, its area, its corrupted cells (row, column), a path for each kind.
fn map(layout: &Layout, view: View, (x, y): (f64, f64), number: usize, cells: &[(usize, usize, Kind)]) -> String {
    let (across, down) = layout.squares;
    let mut squares: Vec<Option<Kind>> = vec![None; across * down];
    for &(row, column, kind) in cells {
        let square = &mut squares[row / layout.cells * across + column / layout.cells];
        *square = (*square).max(Some(kind));
    }
    let mut paths = [const { String::new() }; Kind::ALL.len()];
    for (row, squares) in squares.chunks(across).enumerate() {
        let mut column = 0;
        for run in squares.chunk_by(|a, b| a == b) {
            if let Some(kind) = run[0] {
                // Writing to a string cannot fail.
                let _ = write!(paths[kind as usize], "M{column} {row}h{n}v1h-{n}z", n = run.len());
            }
            column += run.len();
        }
    }
    let mut map = text("c", x, y + 9.0, &view.label(number));
    let _ = write!(map, r#"<g transform="translate({} {}) scale({})">"#, px(x), px(y + LABEL), px(layout.side));
    let _ = write!(map, r#"<rect class="m" width="{across}" height="{down}"/>"#);
    for (kind, path) in Kind::ALL.into_iter().zip(&paths).filter(|(_, path)| !path.is_empty()) {
        let _ = write!(map, r#"<path class="{}" d="{path}"/>"#, kind.css());
    }
    if layout.cells == 1 && layout.side >= RASTER_FROM && view.down * view.across > 1 {
        map.push_str(r##"<use href="#r"/>"##);
    }
    map.push_str("</g>");
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Shape;

    #[test]
    fn every_cell_of_every_shape_has_a_square_that_one_sees() {
        for (h, w) in [(1, 1), (1, 1000), (1000, 1), (13, 13), (80, 80), (81, 80), (224, 224), (3, 65535)] {
            for maps in [1, 2, 4, 16, 100, 512] {
                let layout = Layout::new(View::new(Shape::new(h, w, 1).unwrap()), maps);
                let (across, down) = layout.squares;
                assert!((h - 1) / layout.cells < down && (w - 1) / layout.cells < across, "{h}x{w}, {maps}");
                let least = if layout.cells == 1 { LEAST_CELL } else { LEAST_SQUARE };
                assert!(layout.side >= least, "{h}x{w}, {maps} maps: {}", layout.side);
                assert!(across as f64 * layout.side <= layout.slot + 1e-9, "{h}x{w}, {maps}");
                assert!(layout.cells > 1 || h.max(w) <= MOST_SQUARES);
            }
        }
    }

    #[test]
    fn neighbours_of_one_kind_are_one_piece_and_a_square_has_its_gravest_cell() {
        let view = View::new(Shape::new(2, 4, 1).unwrap());
        let cells = [(0, 1, Kind::Zero), (0, 2, Kind::Zero), (0, 3, Kind::Nan), (1, 0, Kind::Zero)];
        let paths = |layout: &Layout| {
            let map = map(layout, view, (0.0, 0.0), 0, &cells);
            map.split("d=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect::<Vec<_>>()
        };
        let mut layout = Layout::new(view, 1);
        assert_eq!(paths(&layout), ["M1 0h2v1h-2zM0 1h1v1h-1z", "M3 0h1v1h-1z"]);
        (layout.cells, layout.squares) = (2, (2, 1));
        assert_eq!(paths(&layout), ["M0 0h1v1h-1z", "M1 0h1v1h-1z"]);
    }
}
