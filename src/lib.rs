

pub mod site;
