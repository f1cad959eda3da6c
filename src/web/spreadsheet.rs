//! Files for spreadsheets: CSV as RFC 4180 has it, in which no cell that somebody else could fill is taken for a formula.

use std::borrow::Cow;
use std::io;

use axum::body::Bytes;

/// The rows as CSV, each ended by CRLF (RFC 4180, section 2).
///
/// # Errors
/// If the rows differ in length.
pub fn lines<'a, R>(rows: impl IntoIterator<Item = R>) -> io::Result<Bytes>
where
    R: IntoIterator<Item = Cow<'a, str>>,
{
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.into_iter().map(|cell| cell.into_owned().into_bytes()))?;
    }
    let written = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(written.into())
}

/// A cell that no spreadsheet takes for a formula: whoever names a key or sends a user agent must not run anything on the
/// machine of whoever opens the file.
pub fn plain(text: &str) -> Cow<'_, str> {
    // Those of full width are read as their narrow selves in East Asian settings.
    let dangerous = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(dangerous) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_like_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(plain(formula), format!("'{formula}"));
        }
        for harmless in ["", "billing", "a=1", "'=1", "198.51.100.7"] {
            assert_eq!(plain(harmless), harmless);
        }
    }

    #[test]
    fn a_comma_a_quote_and_a_line_break_stay_in_their_cell() {
        let rows = [["a,b", "say \"x\"", "two\nlines"].map(Cow::Borrowed)];
        assert_eq!(lines(rows).expect("rows"), "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\r\n");
    }
}
