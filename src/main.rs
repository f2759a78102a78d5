//! tandem
fn main(){}
