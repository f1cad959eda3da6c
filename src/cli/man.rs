//! `keydesk man`: the manual, made from the definition that parses the command line. One page to read, or a page for each
//! subcommand in a folder, to install.

use std::io::stdout;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::{Man, generate_to};

use super::{Failure, Line};

#[derive(Args)]
pub struct Manual {
    /// The folder for a page of each subcommand, made if it is missing. Left out, the page of keydesk is printed.
    folder: Option<PathBuf>,
}

pub fn run(Manual { folder }: &Manual) -> Result<(), Failure> {
    let Some(folder) = folder else { return Ok(Man::new(Line::command()).render(&mut stdout())?) };
    let written = std::fs::create_dir_all(folder).and_then(|()| generate_to(Line::command(), folder));
    written.map_err(|error| format!("cannot write the manual into {}: {error}", folder.display()).into())
}
