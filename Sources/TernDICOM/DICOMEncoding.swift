/// How the elements of a data set are written, PS3.5 2024d 7.1 and 7.3.
public struct DICOMEncoding: Equatable, Sendable {
    /// Whether each element names its value representation.
    public var isExplicit: Bool
    public var isBigEndian: Bool
    public init(isExplicit: Bool, isBigEndian: Bool = false) {
        self.isExplicit = isExplicit
        self.isBigEndian = isBigEndian
    }

    public static let implicitLittleEndian = DICOMEncoding(isExplicit: false)
    public static let explicitLittleEndian = DICOMEncoding(isExplicit: true)
    public static let explicitBigEndian = DICOMEncoding(isExplicit: true, isBigEndian: true)
}

/// How far a data set may stray from the standard and still be read.
public enum DICOMStrictness: Equatable, Sendable {
    /// What real writers are known to do wrong is read where its meaning is not in doubt: values of odd length, padding that is missing or too
    /// much, representations that are unknown or missing, a data set in another encoding than its transfer syntax says.
    case lenient
    /// Each of these is an error.
    case strict
}

/// A value representation, PS3.5 2024d 6.2: two capital letters, which need not be known.
public struct ValueRepresentation: Equatable, Hashable, Sendable {
    /// The first letter in the high byte.
    public let letters: UInt16

    /// Nil unless both bytes are capital letters.
    public init?(letters: UInt16) {
        guard (0x41...0x5A).contains(letters >> 8), (0x41...0x5A).contains(letters & 0xFF) else { return nil }
        self.letters = letters
    }
    private init(_ first: UInt8, _ second: UInt8) { letters = UInt16(first) << 8 | UInt16(second) }

    /// Whether the standard has it.
    public var isKnown: Bool { ValueRepresentation.shortForms.contains(letters) || hasLongLength }

    /// Whether two reserved bytes and a length of four bytes follow the letters, instead of a length of two (PS3.5 2024d 7.1.2).
    public var hasLongLength: Bool { ValueRepresentation.longForms.contains(letters) }

    public static let sequence = ValueRepresentation(0x53, 0x51)
    public static let unknown = ValueRepresentation(0x55, 0x4E)
    public static let otherByte = ValueRepresentation(0x4F, 0x42)
    public static let otherWord = ValueRepresentation(0x4F, 0x57)
    static let signedShort = ValueRepresentation(0x53, 0x53)
    static let unsignedShort = ValueRepresentation(0x55, 0x53)
    static let signedLong = ValueRepresentation(0x53, 0x4C)
    static let unsignedLong = ValueRepresentation(0x55, 0x4C)
    static let float = ValueRepresentation(0x46, 0x4C)
    static let double = ValueRepresentation(0x46, 0x44)

    // OB OD OF OL OV OW SQ SV UC UN UR UT UV
    private static let longForms: [UInt16] = [
        0x4F42, 0x4F44, 0x4F46, 0x4F4C, 0x4F56, 0x4F57, 0x5351, 0x5356, 0x5543, 0x554E, 0x5552, 0x5554, 0x5556,
    ]
    // AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US
    private static let shortForms: [UInt16] = [
        0x4145, 0x4153, 0x4154, 0x4353, 0x4441, 0x4453, 0x4454, 0x4644, 0x464C, 0x4953, 0x4C4F, 0x4C54, 0x504E, 0x5348, 0x534C, 0x5353, 0x5354,
        0x544D, 0x5549, 0x554C, 0x5553,
    ]
}
