/// A data element's tag.
public struct DICOMTag: Equatable, Hashable, Sendable {
    public var group: UInt16
    public var element: UInt16
    public init(_ group: UInt16, _ element: UInt16) {
        self.group = group
        self.element = element
    }
}

/// The tags that make the structure of a data set, PS3.5 2024d 7.5, and that of the pixels.
extension DICOMTag {
    public static let item = DICOMTag(0xFFFE, 0xE000)
    public static let itemDelimitation = DICOMTag(0xFFFE, 0xE00D)
    public static let sequenceDelimitation = DICOMTag(0xFFFE, 0xE0DD)
    public static let pixelData = DICOMTag(0x7FE0, 0x0010)
}
