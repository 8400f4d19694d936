import ArgumentParser
import Foundation
import TernBytes
import TernConvert
import TernImage
import TernPlatform
import TernPrepare

struct DecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Says what ternd reads in an image file: shape, grey scale, a digest of every frame.",
        discussion: """
            Prints one JSON object. Digests are SHA-256 over the samples of a frame, row by row, channels interleaved, little endian. --stage stored gives the
            samples of the file (colour as RGB), rescaled those of grey images in their units, shown the values 0 ... 255 that a model's preparation starts
            from. Frames are printed as they are read, with a grey scale of their own where it is not the first one's. A file that is not read gives its
            coded reason, behind the frames before the one that is refused, and exit code 65. Nothing of the output names a patient.

            Example:
              tern decode cine.dcm
              tern decode ct.dcm --stage shown --frame 1 -o shown.npy
            """)
    @Argument(help: "DICOM, NIfTI, JPEG or PNG file; of a NIfTI pair the .hdr file.") var file: String
    @Option(help: "The one frame to decode, from 1 on. Default: all.") var frame: Int?
    @Option(help: "stored, rescaled or shown.") var stage = FrameSamples.Stage.stored
    @Option(name: [.short, .long], help: "NumPy file for the frames, [frames, rows, columns] or [frames, rows, columns, 3].") var output: String?

    func run() throws {
        try reporting {
            let mapping = try mapFile(file)
            do {
                guard let kind = ImageKind(recognising: mapping.bytes) else { throw PrepareError.unknownKind }
                if kind == .nifti, ImageFile.isPairHeader(mapping.bytes) {
                    let partner = try mapFile(try pairedPath(file))
                    try decode(try ImageFile(pairHeader: mapping.bytes, data: partner.bytes), partner)
                } else {
                    try decode(try ImageFile(parsing: mapping.bytes, as: kind), mapping)
                }
            } catch let error as PrepareError {
                print(JSONValue.object([JSONMember("reason", reason(error))]).text)
                throw ExitCode(Failure.Kind.badInput.rawValue)
            }
        }
    }

    private func decode(_ image: ImageFile, _ mapping: MappedFile) throws {
        let bytes = mapping.bytes
        var indices = 0..<image.frameCount
        if let frame {
            guard (1...image.frameCount).contains(frame) else {
                throw Failure(.badInput, "there is no frame \(frame); \(file) has \(image.frameCount)")
            }
            indices = (frame - 1)..<frame
        }
        var array: NumpyFile?
        var greyscale: DecodedImage.Greyscale?
        var progress = ProgressBar("decoding", total: indices.count)
        for index in indices {
            let decoded: DecodedImage
            let samples: FrameSamples
            do throws(PrepareError) {
                decoded = try image.frame(index, of: bytes)
                samples = try FrameSamples(of: decoded, stage)
            } catch {
                guard index > indices.lowerBound else { throw error }
                // What is printed is ended as the object that it is.
                print("],\"reason\":\(reason(error).text)}")
                throw ExitCode(Failure.Kind.badInput.rawValue)
            }
            if index == indices.lowerBound {
                let head = JSONValue.object(describe(image, decoded, type: samples.type)).text
                print(head.dropLast(), terminator: ",\"frames\":[")
                greyscale = decoded.greyscale
            }
            var members = describe(index, image.milliseconds(toFrame: index), samples)
            if let own = decoded.greyscale, own != greyscale { members.append(JSONMember("greyscale", .object(describe(own)))) }
            print(index > indices.lowerBound ? "," : "", JSONValue.object(members).text, separator: "", terminator: "")
            if let output {
                let file = try array ?? NumpyFile(output, frames: indices.count, of: decoded, type: samples.type)
                try file.append(samples.bytes)
                array = file
            }
            progress.update(index - indices.lowerBound + 1)
        }
        print("]}")
    }

    private func reason(_ error: PrepareError) -> JSONValue {
        let reason = error.reason
        return .object([
            JSONMember("scheme", .string(reason.scheme)), JSONMember("value", .string(reason.value)),
            JSONMember("meaning", .string(reason.meaning)), JSONMember("message", .string(error.message)),
        ])
    }

    private func describe(_ index: Int, _ milliseconds: Double?, _ samples: FrameSamples) -> [JSONMember] {
        var members = [
            JSONMember("frame", .number(Double(index + 1))),
            JSONMember("sha256", .string(Hexadecimal.string(Digest.sha256(samples.bytes)))),
        ]
        if let milliseconds { members.append(JSONMember("timeMilliseconds", .number(milliseconds))) }
        return members
    }

    private func describe(_ file: ImageFile, _ image: DecodedImage, type: String) -> [JSONMember] {
        var members = [
            JSONMember("kind", .string(file.kind.rawValue)), JSONMember("frameCount", .number(Double(file.frameCount))),
            JSONMember("width", .number(Double(image.width))), JSONMember("height", .number(Double(image.height))),
            JSONMember("channels", .number(Double(image.channels))), JSONMember("bitsStored", .number(Double(image.bitsStored))),
            JSONMember("type", .string(type)),
        ]
        let attributes = file.attributes
        if let modality = file.modality, isModalityTerm(modality.utf8) { members.append(JSONMember("modality", .string(modality))) }
        if let photometric = attributes.photometricInterpretation { members.append(JSONMember("photometricInterpretation", .string(photometric))) }
        if let laterality = attributes.laterality { members.append(JSONMember("laterality", .string(laterality))) }
        if let spacing = attributes.pixelSpacing ?? attributes.imagerPixelSpacing {
            members.append(JSONMember("pixelSpacing", .array([.number(spacing.row), .number(spacing.column)])))
        }
        if let grey = image.greyscale { members.append(JSONMember("greyscale", .object(describe(grey)))) }
        return members
    }

    private func describe(_ grey: DecodedImage.Greyscale) -> [JSONMember] {
        var members = [
            JSONMember("slope", .number(grey.slope)), JSONMember("intercept", .number(grey.intercept)),
            JSONMember("modalityTable", .boolean(grey.modalityTable != nil)), JSONMember("inverted", .boolean(grey.isInverted)),
            JSONMember("voiCount", .number(Double(grey.voiCount))),
        ]
        switch grey.voi {
        case nil: members.append(JSONMember("voi", .string("none")))
        case .table: members.append(JSONMember("voi", .string("table")))
        case .unusable: members.append(JSONMember("voi", .string("unusable")))
        case .window(let window):
            members += [
                JSONMember("voi", .string("window")), JSONMember("function", .string("\(window.function)")),
                JSONMember("centre", .number(window.centre)), JSONMember("width", .number(window.width)),
            ]
        }
        return members
    }
}

/// The path of a NIfTI pair's samples: `.img` in the place of `.hdr`, compressed like it.
func pairedPath(_ header: String) throws(Failure) -> String {
    for (ending, other) in [(".hdr", ".img"), (".hdr.gz", ".img.gz")] where header.hasSuffix(ending) {
        return header.dropLast(ending.count) + other
    }
    throw Failure(.badInput, "\(header) is the header of a NIfTI pair; name it .hdr, beside its .img")
}
