public import TernImage

/// Why a JPEG 2000 image was refused. Offsets count bytes from the start of the image.
public enum JPEG2000Error: Error, Equatable, Sendable {
    /// A part of the standard, or beyond it, that is not read here.
    public enum Feature: Equatable, Sendable {
        /// ISO/IEC 15444-15, high throughput.
        case highThroughput
        /// ISO/IEC 15444-2, extensions.
        case extensions
        /// Packet headers away from their packets (PPM, PPT).
        case packedHeaders
        /// Changes of the progression order (POC).
        case progressionChange
        /// Components of different precision, sign or sampling.
        case componentSampling
        /// A palette, or channels in another order or with another meaning than their components (JP2).
        case palette
        /// A luminance-chrominance colour space named by the file (JP2).
        case luminanceChrominance
    }
    /// Which bound a code stream passes.
    public enum Bound: Equatable, Sendable {
        case samples
        case tiles
        case precincts
        case packets
        case codeBlocks
        case progressionSteps
    }
    /// The first bytes are neither a code stream nor JP2.
    case notAJPEG2000File
    /// The bytes end at `offset`, before the end of the code stream.
    case truncated(offset: Int)
    /// A marker that may not stand there, or no marker at all.
    case unexpectedMarker(code: UInt16, offset: Int)
    /// A marker segment whose byte count or values contradict the standard.
    case segment(marker: UInt16, offset: Int)
    /// A box of the file format with an impossible byte count, or no code stream in any box.
    case box(offset: Int)
    /// The parts of a tile do not add up.
    case tilePart(offset: Int)
    /// A tile has no data, or fewer parts than it announces.
    case missingTile(index: Int)
    /// Precision outside 1 ... 16 bits.
    case precision(Int)
    /// Neither 1 nor 3 components.
    case unsupportedComponents(count: Int)
    /// A feature that is not read.
    case unsupported(Feature)
    /// The shape is past the limits of this package.
    case shape(ImageLimitError)
    /// The header asks for more of something than `limit`, which the byte count of the code stream sets or this package does.
    case tooMany(Bound, count: Int, limit: Int)
    /// OpenJPEG refuses the data, or would have guessed.
    case corrupt
    /// OpenJPEG could not be set up.
    case outOfMemory
}
