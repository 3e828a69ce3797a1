//! A writer of PDF.

use super::archives::zlib;

/// A document, object by object.
pub(super) struct Pdf {
    bytes: Vec<u8>,
    places: Vec<(u32, usize)>,
}

impl Pdf {
    pub(super) fn new() -> Self {
        let mut pdf = Self { bytes: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), places: Vec::new() };
        pdf.object(1, b"<</Type/Catalog/Pages 2 0 R>>");
        pdf.object(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>");
        pdf.object(3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>");
        pdf
    }

    fn object(&mut self, number: u32, value: &[u8]) {
        self.places.push((number, self.bytes.len()));
        self.bytes.extend([format!("{number} 0 obj\n").as_bytes(), value, b"\nendobj\n"].concat());
    }

    fn stream(&mut self, number: u32, dict: &str, bytes: &[u8]) {
        let head = format!("<<{dict}/Length {}>>\nstream\n", bytes.len());
        self.object(number, &[head.as_bytes(), bytes, b"\nendstream"].concat());
    }

    /// A picture as JPEG.
    pub(super) fn picture(&mut self, number: u32, jpeg: &[u8]) {
        let dict = "/Type/XObject/Subtype/Image/Width 256/Height 192/BitsPerComponent 8\
                    /ColorSpace/DeviceRGB/Filter/DCTDecode";
        self.stream(number, dict, jpeg);
    }

    /// An embedded file.
    pub(super) fn file(&mut self, number: u32, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let stream = number + 1;
        self.object(
            number,
            format!("<</Type/Filespec/F({name})/UF({name})/EF<</F {stream} 0 R>>>>").as_bytes(),
        );
        self.stream(stream, "/Type/EmbeddedFile/Filter/FlateDecode", &zlib(bytes)?);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let at = self.bytes.len();
        let mut table = "xref\n0 1\n0000000000 65535 f \n".to_owned();
        for (number, place) in &self.places {
            table += &format!("{number} 1\n{place:010} 00000 n \n");
        }
        let size = self.places.iter().map(|(number, _)| number + 1).max().unwrap_or(1);
        table += &format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n");
        self.bytes.extend(table.into_bytes());
        self.bytes
    }
}
