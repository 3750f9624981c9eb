//! Where a rule puts its cells: reused from site to site, so that drawing allocates nothing.

use super::choice::Setting;
use crate::layout::Shape;
use crate::rng::Rng;

/// The cells of one site as tensor indices `t = c * H * W + h * W + w`: channel by channel, the order of the GPU kernels
/// measured, whatever layout the framework uses.
pub struct Canvas {
    shape: Shape,
    /// The corrupted cells, without repetition.
    pub cells: Vec<u32>,
    /// The parameters as they were drawn.
    pub parameters: Vec<(&'static str, Setting)>,
    /// Whether a percent range lay wholly above its absolute cap.
    pub capped: bool,
    bits: Vec<u64>,
    wide: Vec<u32>,
}

impl Canvas {
    /// An empty canvas.
    pub fn new(shape: Shape) -> Self {
        Canvas { shape, cells: Vec::new(), parameters: Vec::new(), capped: false, bits: Vec::new(), wide: Vec::new() }
    }

    /// Forgets the last site.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.parameters.clear();
        self.capped = false;
    }

    /// The tensor's shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The cells of a channel.
    pub fn plane(&self) -> u32 {
        self.shape.plane() as u32
    }

    /// Notes a parameter as it was drawn.
    pub fn note(&mut self, name: &'static str, setting: impl Into<Setting>) {
        self.parameters.push((name, setting.into()));
    }

    /// A uniform channel.
    pub fn channel(&self, rng: &mut Rng) -> u32 {
        rng.below(self.shape.c as u32)
    }

    /// Corrupts `count` distinct cells of `start..start + n`, each subset of them as likely as any other.
    pub fn distinct(&mut self, rng: &mut Rng, start: u32, n: u32, count: u32) {
        let Canvas { bits, cells, .. } = self;
        distinct(rng, bits, n, count, |i| cells.push(start + i));
    }

    /// Calls `visit` with `count` distinct integers of `0..n` in ascending order, each subset of them as likely as any
    /// other.
    pub fn subset(&mut self, rng: &mut Rng, n: u32, count: u32, visit: impl FnMut(u32)) {
        distinct(rng, &mut self.bits, n, count, visit);
    }

    /// `count` positions in `0..n`, ascending, whose gaps lie in `min..=max`; `(count - 1) * min` must be less than `n`.
    ///
    /// The gaps are drawn uniformly; where they overrun, 1 is taken from a uniformly chosen gap above `min` until they
    /// fit. Then the first position is uniform among those that keep all inside.
    pub(super) fn spread(&mut self, rng: &mut Rng, n: u32, count: u32, (min, max): (u32, u32)) -> Vec<u32> {
        let wide = &mut self.wide;
        let room = u64::from(n - 1);
        // The gaps first, with 0 before the first position: their running sum is the positions.
        let mut positions = Vec::with_capacity(count as usize);
        positions.push(0);
        positions.extend((1..count).map(|_| rng.between(min, max)));
        let mut length: u64 = positions.iter().map(|&gap| u64::from(gap)).sum();
        if length > room {
            wide.clear();
            wide.extend((0..).zip(&positions).filter(|&(_, &gap)| gap > min).map(|(i, _)| i));
            while length > room && !wide.is_empty() {
                let i = rng.below(wide.len() as u32) as usize;
                let gap = &mut positions[wide[i] as usize];
                *gap -= 1;
                length -= 1;
                if *gap == min {
                    wide.swap_remove(i);
                }
            }
        }
        let mut position = rng.below(room.saturating_sub(length) as u32 + 1);
        for gap in &mut positions {
            position += *gap;
            *gap = position;
        }
        positions
    }
}

/// Marks integers in a bit set, redrawing those already marked; where more than half are wanted, marks those left out.
fn distinct(rng: &mut Rng, bits: &mut Vec<u64>, n: u32, count: u32, mut visit: impl FnMut(u32)) {
    let count = count.min(n);
    if count == n {
        return (0..n).for_each(visit);
    }
    let out = count > n / 2;
    bits.clear();
    bits.resize(n.div_ceil(64) as usize, 0);
    for _ in 0..if out { n - count } else { count } {
        loop {
            let i = rng.below(n);
            let (word, bit) = (&mut bits[i as usize / 64], 1 << (i % 64));
            if *word & bit == 0 {
                *word |= bit;
                break;
            }
        }
    }
    for (start, &word) in (0..n).step_by(64).zip(bits.iter()) {
        let mut word = if out { !word } else { word };
        if n - start < 64 {
            word &= (1 << (n - start)) - 1;
        }
        while word != 0 {
            visit(start + word.trailing_zeros());
            word &= word - 1;
        }
    }
}
