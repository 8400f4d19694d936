/// A unique identifier: digits and full stops, at most 64 of them (PS3.5 2024d 9.1).
public struct DICOMUID: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// ASCII, without padding.
    public let characters: [UInt8]

    /// Nil unless `characters` are 1 ... 64 digits and full stops.
    public init?(characters: [UInt8]) {
        guard (1...64).contains(characters.count) else { return nil }
        for character in characters {
            guard character == 0x2E || (0x30...0x39).contains(character) else { return nil }
        }
        self.characters = characters
    }

    public var description: String { String(decoding: characters, as: UTF8.self) }

    /// Whether the identifier is written exactly so. Compares bytes: comparing `String` draws Unicode tables into the device binary.
    public func isWritten(_ text: String) -> Bool { text.utf8.elementsEqual(characters) }
}
