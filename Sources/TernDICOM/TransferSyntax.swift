/// How a data set is written, PS3.5 2024d section 10 and annex A.
struct TransferSyntax: Equatable, Sendable {
    enum Pixels: Equatable, Sendable {
        case native
        /// Native pixels in fragments, A.4.11.
        case encapsulatedUncompressed
        /// Annex G, decoded here.
        case runLength
        case codec(EncapsulatedFrame.Codec)
    }
    var encoding: DICOMEncoding
    var isDeflated = false
    var pixels = Pixels.native

    init(_ encoding: DICOMEncoding) { self.encoding = encoding }

    /// Nil when this package does not read it.
    init?(_ identifier: DICOMUID) {
        encoding = .explicitLittleEndian
        if identifier.isWritten("1.2.840.10008.1.2") {
            encoding = .implicitLittleEndian
        } else if identifier.isWritten("1.2.840.10008.1.2.2") {
            encoding = .explicitBigEndian
        } else if identifier.isWritten("1.2.840.10008.1.2.1.99") {
            isDeflated = true
        } else if identifier.isWritten("1.2.840.10008.1.2.1.98") {
            pixels = .encapsulatedUncompressed
        } else if identifier.isWritten("1.2.840.10008.1.2.5") {
            pixels = .runLength
        } else if identifier.isWritten("1.2.840.10008.1.2.4.50") || identifier.isWritten("1.2.840.10008.1.2.4.51") {
            pixels = .codec(.jpeg)
        } else if identifier.isWritten("1.2.840.10008.1.2.4.57") || identifier.isWritten("1.2.840.10008.1.2.4.70") {
            pixels = .codec(.jpegLossless)
        } else if identifier.isWritten("1.2.840.10008.1.2.4.90") || identifier.isWritten("1.2.840.10008.1.2.4.91") {
            pixels = .codec(.jpeg2000)
        } else if !identifier.isWritten("1.2.840.10008.1.2.1") {
            return nil
        }
    }
}

extension DICOMUID {
    /// Whether pictures of this transfer syntax have always, or may have, lost something.
    var lossyCompression: (isCertain: Bool, isPossible: Bool) {
        if isWritten("1.2.840.10008.1.2.4.50") || isWritten("1.2.840.10008.1.2.4.51") { return (true, true) }
        return (false, isWritten("1.2.840.10008.1.2.4.91"))
    }
}

/// The standard's name of a transfer syntax, or `unknown transfer syntax`.
///
/// - Source: PS3.6 2024d table A-1.
public func transferSyntaxName(_ identifier: DICOMUID) -> String {
    for (value, name) in transferSyntaxNames where identifier.isWritten(value) { return name }
    return "unknown transfer syntax"
}

private let transferSyntaxNames: [(String, String)] = [
    ("1.2.840.10008.1.2", "Implicit VR Little Endian"),
    ("1.2.840.10008.1.2.1", "Explicit VR Little Endian"),
    ("1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian"),
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian"),
    ("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)"),
    ("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 and 4)"),
    ("1.2.840.10008.1.2.4.57", "JPEG Lossless, Non-Hierarchical (Process 14)"),
    ("1.2.840.10008.1.2.4.70", "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14, Selection Value 1)"),
    ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
    ("1.2.840.10008.1.2.4.81", "JPEG-LS Lossy (Near-Lossless)"),
    ("1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)"),
    ("1.2.840.10008.1.2.4.91", "JPEG 2000"),
    ("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Multi-component (Lossless Only)"),
    ("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2 Multi-component"),
    ("1.2.840.10008.1.2.4.94", "JPIP Referenced"),
    ("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate"),
    ("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile / Main Level"),
    ("1.2.840.10008.1.2.4.101", "MPEG2 Main Profile / High Level"),
    ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    ("1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
    ("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile / Level 5.1"),
    ("1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile / Level 5.1"),
    ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
    ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression"),
    ("1.2.840.10008.1.2.4.112", "JPEG XL"),
    ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)"),
    ("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)"),
    ("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"),
    ("1.2.840.10008.1.2.5", "RLE Lossless"),
]
