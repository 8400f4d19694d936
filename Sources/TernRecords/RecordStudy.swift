import TernFindings
import TernImage

/// What a DICOM file says of where its picture belongs. Nothing else of the patient goes into a record.
struct RecordStudy {
    let studyInstanceUID: String?
    let seriesInstanceUID: String?
    let instanceUID: String?

    /// What is no unique identifier by its form is left out: it could be a name.
    init(_ input: InputReference) {
        studyInstanceUID = checked(input.attributes?.studyInstanceUID)
        seriesInstanceUID = checked(input.attributes?.seriesInstanceUID)
        instanceUID = checked(input.sopInstanceUID)
    }
}

/// PS3.5 2024d 9.1: 64 bytes at most, digits between periods, no component empty or with a zero in front.
private func checked(_ text: String?) -> String? {
    guard let text, (1...64).contains(text.utf8.count) else { return nil }
    let isGood = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && part.allSatisfy { (0x30...0x39).contains($0) } && (part.count == 1 || part.first != 0x30)
    }
    return isGood ? text : nil
}
