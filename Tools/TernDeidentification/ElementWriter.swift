import TernDICOM

/// Writes a data set in explicit VR little endian; sequences and items have undefined length, so that nothing written is ever moved.
struct ElementWriter {
    private(set) var bytes: [UInt8] = []

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    private mutating func write16(_ value: UInt16) {
        bytes.append(UInt8(value & 0xFF))
        bytes.append(UInt8(value >> 8))
    }

    private mutating func write32(_ value: UInt32) {
        write16(UInt16(value & 0xFFFF))
        write16(UInt16(value >> 16))
    }

    private mutating func writeTag(_ tag: DICOMTag) {
        write16(tag.group)
        write16(tag.element)
    }

    private mutating func writeHead(_ tag: DICOMTag, _ representation: VR, byteCount: UInt32) {
        writeTag(tag)
        bytes += Array(representation.rawValue.utf8)
        if representation.hasLongLength {
            write16(0)
            write32(byteCount)
        } else {
            write16(UInt16(byteCount))
        }
    }

    /// Writes one element, padded to even length.
    ///
    /// - Precondition: a representation with a length of two bytes has at most 65,534 bytes; the caller has checked.
    mutating func write(_ tag: DICOMTag, _ representation: VR, _ value: some Collection<UInt8>) {
        let byteCount = value.count + value.count % 2
        writeHead(tag, representation, byteCount: UInt32(byteCount))
        bytes.append(contentsOf: value)
        if value.count % 2 == 1 { bytes.append(representation.padding) }
    }

    mutating func write(_ tag: DICOMTag, _ representation: VR, text: String) { write(tag, representation, Array(text.utf8)) }

    mutating func beginSequence(_ tag: DICOMTag) { writeHead(tag, .SQ, byteCount: UInt32.max) }

    mutating func writeEmptySequence(_ tag: DICOMTag) { writeHead(tag, .SQ, byteCount: 0) }

    mutating func beginItem() {
        writeTag(.item)
        write32(UInt32.max)
    }

    mutating func endItem() {
        writeTag(.itemDelimitation)
        write32(0)
    }

    mutating func endSequence() {
        writeTag(.sequenceDelimitation)
        write32(0)
    }

    mutating func beginFragments(_ tag: DICOMTag) { writeHead(tag, .OB, byteCount: UInt32.max) }

    mutating func writeFragment(_ value: some Collection<UInt8>) {
        writeTag(.item)
        write32(UInt32(value.count + value.count % 2))
        bytes.append(contentsOf: value)
        if value.count % 2 == 1 { bytes.append(0) }
    }

    /// Appends what another writer has written.
    mutating func append(_ other: ElementWriter) { bytes += other.bytes }

    mutating func append(bytes more: [UInt8]) { bytes += more }
}
