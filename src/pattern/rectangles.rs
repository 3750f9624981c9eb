//! The same rectangle in several channels.

use super::canvas::Canvas;
use super::choice::Choice;
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::spread::{CHANNELS, Spread};
use crate::rng::Rng;

/// At least one channel; one rectangle, wholly inside the channel, the same in each.
///
/// The figures were measured as last minus first index: `rectangle_width` 2 is three columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Rectangles {
    width: Choice<u32>,
    height: Choice<u32>,
    channels: Spread,
}

impl Rectangles {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        let width = fields.count("rectangle_width", 0);
        let height = fields.count("rectangle_height", 0);
        let channels = Spread::new(fields, &CHANNELS, 1);
        Some(Rectangles { width: width?, height: height?, channels: channels? })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (rows, columns, channels) = fit.axes();
        let width = fit.keep(&self.width, Unfit::Rectangle, |width| width < columns)?;
        let height = fit.keep(&self.height, Unfit::Rectangle, |height| height < rows)?;
        let channels = self.channels.fit(fit, channels)?;
        Some(Rectangles { width, height, channels })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let width = self.width.draw(rng);
        let height = self.height.draw(rng);
        canvas.note("rectangle_width", width);
        canvas.note("rectangle_height", height);
        let (rows, columns, plane) = (canvas.shape().h as u32, canvas.shape().w as u32, canvas.plane());
        let channels = self.channels.channels(rng, canvas);
        let (top, left) = (rng.below(rows - height), rng.below(columns - width));
        for channel in channels {
            for row in top..=top + height {
                let start = channel * plane + row * columns + left;
                canvas.cells.extend(start..=start + width);
            }
        }
    }
}
