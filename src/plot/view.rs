//! How the cells of a tensor lie on maps, so that one sees them. A line does not tell which axis the channels are; of what is no
//! image the labels count axes.

use crate::fault::Cell;
use crate::layout::{Place, Shape};

/// So many features stand side by side where they are the only axis.
const FEATURES_ACROSS: usize = 64;

/// A layout of the cells of one shape: of images a map for each channel; of plain features one, in rows; of two axes one; of more
/// than three the third and second from the last, for each place on the others.
#[derive(Debug, Clone, Copy)]
pub struct View {
    shape: Shape,
    /// Rows of a map.
    pub down: usize,
    /// Columns of a map.
    pub across: usize,
}

impl View {
    pub fn new(shape: Shape) -> Self {
        let (down, across) = match shape.axes()[..] {
            [features] => (features.div_ceil(FEATURES_ACROSS), features.min(FEATURES_ACROSS)),
            [first, second] => (first, second),
            [.., height, width, _] => (height, width),
            [] => (1, 1),
        };
        View { shape, down, across }
    }

    /// Where a cell stands: the map, its row and its column.
    pub fn spot(&self, cell: &Cell) -> (usize, usize, usize) {
        match self.shape.rank() {
            1 => (0, cell.c / self.across, cell.c % self.across),
            2 => (0, cell.w, cell.c),
            _ => (cell.c * self.slices() + cell.h / self.down, cell.h % self.down, cell.w),
        }
    }

    /// How many maps each channel has.
    fn slices(&self) -> usize {
        self.shape.h / self.down
    }

    /// What stands above a map.
    pub fn label(&self, map: usize) -> String {
        let slices = self.slices().max(1);
        let (channel, slice) = (map / slices, map % slices);
        match self.shape.rank() {
            1 if self.down == 1 => "all".to_owned(),
            1 => format!("all, {} a row", self.across),
            2 => "first axis down, second across".to_owned(),
            3 => format!("channel {channel}"),
            axes => {
                let Place(place) = self.shape.place([slice * self.down, 0, channel]);
                let numbers = place.iter().enumerate().map(|(axis, at)| match axis + 3 == axes || axis + 2 == axes {
                    true => ":".to_owned(),
                    false => at.to_string(),
                });
                format!("[{}]", numbers.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The axes, by name.
    pub fn axes(&self) -> String {
        match self.shape.axes()[..] {
            [height, width, channels] => format!("height {height}, width {width}, channels {channels}"),
            _ => format!("axes {}", self.shape),
        }
    }

    /// How many cells there are, on so many maps.
    pub fn counts(&self, cells: usize, maps: usize) -> String {
        let cells = format!("{cells} cell{}", if cells == 1 { "" } else { "s" });
        let (all, what) = match self.shape.rank() {
            1 | 2 => return format!("{cells} of {}", self.shape.cells()),
            3 => (self.shape.c, "channel"),
            _ => (self.shape.c * self.slices(), "slice"),
        };
        format!("{cells} in {maps} of {all} {what}{}", if all == 1 { "" } else { "s" })
    }

    /// What maps are called where some are not drawn.
    pub fn maps(&self) -> &'static str {
        if self.shape.is_image() { "channels" } else { "slices" }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fault::Fault;
    use crate::layout::DataFormat;

    #[test]
    fn every_cell_has_a_spot_of_its_own_on_a_map() {
        for axes in [&[5][..], &[200], &[7, 9], &[4, 5, 3], &[2, 4, 5, 3], &[2, 3, 2, 2, 3]] {
            let shape = Shape::of_axes(axes).unwrap();
            let view = View::new(shape);
            let spots: BTreeSet<_> = (0..shape.cells())
                .map(|index| {
                    let [h, w, c] = DataFormat::ChannelsLast.cell(shape, index);
                    let spot = view.spot(&Cell { h, w, c, fault: Fault::Bit(0) });
                    assert!(spot.1 < view.down && spot.2 < view.across, "{shape}: {spot:?}");
                    spot
                })
                .collect();
            assert_eq!(spots.len(), shape.cells(), "{shape}");
        }
    }

    #[test]
    fn axes_and_maps_are_named() {
        let view = |axes: &[usize]| View::new(Shape::of_axes(axes).unwrap());
        for (axes, map, label, counts) in [
            (&[5][..], 0, "all", "2 cells of 5"),
            (&[200], 0, "all, 64 a row", "2 cells of 200"),
            (&[7, 9], 0, "first axis down, second across", "2 cells of 63"),
            (&[4, 5, 3], 2, "channel 2", "2 cells in 1 of 3 channels"),
            (&[2, 4, 5, 3], 5, "[1, :, :, 2]", "2 cells in 1 of 6 slices"),
            (&[2, 2, 4, 5, 3], 5, "[0, 1, :, :, 1]", "2 cells in 1 of 12 slices"),
        ] {
            assert_eq!((view(axes).label(map).as_str(), view(axes).counts(2, 1).as_str()), (label, counts));
        }
        assert_eq!(view(&[4, 5, 3]).axes(), "height 4, width 5, channels 3");
        assert_eq!(view(&[2, 4, 5, 3]).axes(), "axes 2x4x5x3");
    }
}
