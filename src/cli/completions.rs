//! `keydesk completions`: what a shell reads to complete the command line, made from the definition that parses it.

use std::io::{Write as _, stdout};

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::{Failure, Line};

#[derive(Args)]
pub struct Completions {
    /// The shell that reads them.
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(&Completions { shell }: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Line::command(), "keydesk", &mut script);
    Ok(stdout().write_all(&script)?)
}
