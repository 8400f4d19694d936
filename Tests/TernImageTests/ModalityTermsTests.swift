import TernImage
import Testing

@Test(arguments: ["CR", "DX", "US", "MR", "PT", "XA", "ANN", "XC", "M3D", "OPTBSV", "AS", "VF"])
func definedTermsAreModalities(word: String) { #expect(isModalityTerm(word.utf8)) }

@Test(arguments: ["", "C", "cr", "DOE", "DOE JOHN", "CR DX", "C R", " CR", "MR\\CT", "XAPROTOCOLXAPROTOCOL", "TERM"])
func otherWordsAreNone(word: String) { #expect(!isModalityTerm(word.utf8)) }
