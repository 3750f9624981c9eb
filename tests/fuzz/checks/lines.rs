//! Sites are read from lines, passed on, and made dense.

use std::collections::HashSet;

use classes_h5::fault::{Fault, Site};
use classes_h5::layout::DataFormat;
use classes_h5::progress::Progress;
use classes_h5::sites::dense::{Dense, DenseCell};
use classes_h5::sites::each::Each;
use classes_h5::sites::lines::{self, LineSource, Reader};
use classes_h5::sites::packed::{Packed, pack};
use classes_h5::sites::pass::PassError;

/// The largest tensor that is made dense, in cells.
const DENSE: usize = 1 << 14;

pub fn check(data: &[u8]) {
    let mut sites = Vec::new();
    for site in Reader::new(data) {
        match site {
            Ok(site) => sites.push(site),
            Err(error) => {
                assert!(error.line > 0);
                assert!(!error.to_string().is_empty());
                assert!(passed(data).is_err(), "what is not read is not passed on");
                assert_eq!(packed(data).map_err(|error| error.to_string()), Err(error.to_string()));
                return;
            }
        }
    }
    if let Some(first) = sites.first() {
        let each = Each { shape: first.shape, sites: Reader::new(data) };
        let (one_by_one, _) = pack(each, DataFormat::ChannelsLast, 1).expect("good lines");
        assert_eq!(format!("{:?}", packed(data).expect("good lines")), format!("{one_by_one:?}"));
    }
    for site in &sites {
        assert_eq!(site.shape, sites[0].shape);
        let places: HashSet<_> = site.cells.iter().map(|cell| (cell.h, cell.w, cell.c)).collect();
        assert!(!places.is_empty() && places.len() == site.cells.len(), "no cell is there twice");
        assert!(places.iter().all(|&(h, w, c)| site.shape.contains(h, w, c)));
        for format in [DataFormat::ChannelsLast, DataFormat::ChannelsFirst] {
            dense_arrays_hold_the_cells(site, format);
        }
    }
    assert_eq!(passed(data).is_err(), sites.is_empty());
    if let Ok(once) = passed(data) {
        assert_eq!(passed(&once).expect("what was passed on is read"), once);
        let again: Vec<Site> = Reader::new(once.as_slice()).map(|site| site.expect("a site")).collect();
        assert_eq!(format!("{again:?}"), format!("{sites:?}"));
    }
}

/// The lines as they go on.
fn passed(data: &[u8]) -> Result<Vec<u8>, PassError> {
    let mut out = Vec::new();
    lines::write(LineSource::open(data)?, 2, &mut out, &Progress::silent())?;
    Ok(out)
}

fn packed(data: &[u8]) -> Result<Packed, PassError> {
    Ok(pack(LineSource::open(data)?, DataFormat::ChannelsLast, 2)?.0)
}

fn dense_arrays_hold_the_cells(site: &Site, format: DataFormat) {
    if site.shape.cells() > DENSE {
        return;
    }
    let flips = site.cells.iter().any(|cell| matches!(cell.fault, Fault::Bit(_)));
    let cells: Result<Vec<_>, _> = site.cells.iter().map(|&cell| DenseCell::new(site.shape, format, cell)).collect();
    assert_eq!(cells.is_err(), flips);
    let Ok(cells) = cells else { return };
    let mut dense = Dense::new(site.shape).unwrap();
    dense.set(&cells);
    let zeros = dense.mask().chunks(4).filter(|mask| *mask == 0f32.to_le_bytes()).count();
    assert_eq!(zeros, site.cells.len());
    for cell in &site.cells {
        let Fault::Value(value) = cell.fault else { panic!("flips are refused") };
        let at = 4 * format.index(site.shape, [cell.h, cell.w, cell.c]);
        assert_eq!(dense.injection()[at..at + 4], value.to_le_bytes());
        assert_eq!(dense.mask()[at..at + 4], 0f32.to_le_bytes());
    }
}
