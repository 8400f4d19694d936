/// The study that a picture belongs to, as far as its file says. Results do not carry it; nothing else of the patient goes into a record.
public struct RecordStudy: Equatable, Sendable {
    public var studyInstanceUID: String?
    public var seriesInstanceUID: String?
    /// What is no unique identifier by its form is left out: it could be a name.
    public init(studyInstanceUID: String?, seriesInstanceUID: String?) {
        self.studyInstanceUID = studyInstanceUID.flatMap { isUniqueIdentifier($0) ? $0 : nil }
        self.seriesInstanceUID = seriesInstanceUID.flatMap { isUniqueIdentifier($0) ? $0 : nil }
    }
}

/// PS3.5 2024d 9.1: 64 bytes at most, digits between periods, no component empty or with a zero in front.
func isUniqueIdentifier(_ text: String) -> Bool {
    guard (1...64).contains(text.utf8.count) else { return false }
    return text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && part.allSatisfy { (0x30...0x39).contains($0) } && (part.count == 1 || part.first != 0x30)
    }
}
