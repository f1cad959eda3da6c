//! `keydesk completions`: what a shell reads to complete the command line, made from the definition that parses it.

use std::io::stdout;

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::Line;

#[derive(Args)]
pub struct Completions {
    /// The shell that reads them.
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(&Completions { shell }: &Completions) {
    generate(shell, &mut Line::command(), "keydesk", &mut stdout());
}
