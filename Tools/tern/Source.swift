import Foundation
import TernConvert
import TernPlatform

/// A checkpoint on disk with its description.
struct Source {
    var checkpoint: Safetensors
    var description: ModelDescription

    /// - Parameters:
    ///   - path: a .safetensors file, or a folder with `model.safetensors`.
    ///   - config: the description; without it `<name>.json` beside the checkpoint, then `description.json`.
    init(path: String, config: String?) throws {
        let (file, folder) = try Source.locate(path)
        let descriptionPath = try config ?? Source.findDescription(file: file, folder: folder)
        let document = try Source.json(descriptionPath)
        let besides = folder + "/config.json"
        let configuration = besides != descriptionPath && FileManager.default.fileExists(atPath: besides) ? try Source.json(besides) : nil
        description = try ModelDescription(parsing: document, configuration: configuration)
        let mapping = try mapFile(file)
        do throws(SafetensorsError) {
            checkpoint = try Safetensors(validating: mapping)
        } catch {
            throw ConvertError.checkpoint(error)
        }
    }

    private static func locate(_ path: String) throws(Failure) -> (file: String, folder: String) {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(.cannotOpen, "there is no file or folder \(path)")
        }
        if FileManager.default.fileExists(atPath: path + "/.") { return (path + "/model.safetensors", path) }
        guard path.hasSuffix(".safetensors") else {
            throw Failure(
                .badInput,
                "\(path) is not a .safetensors file. A .pth or .pt file is a pickle, which can run code when it is read; save the weights with "
                    + "safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")")
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return (path, folder)
    }

    private static func findDescription(file: String, folder: String) throws(Failure) -> String {
        let stem = file.hasSuffix(".safetensors") ? String(file.dropLast(".safetensors".count)) : file
        for candidate in [stem + ".json", folder + "/description.json"] where FileManager.default.fileExists(atPath: candidate) {
            return candidate
        }
        throw Failure(
            .cannotOpen,
            "no model description: name one with --config, or put it at \(stem).json. It says what the weights cannot: heads, how images are "
                + "prepared, labels; Tools/TernConvert/README.md has an example")
    }

    private static func json(_ path: String) throws -> JSONValue {
        let bytes = try readBytes(path, limit: 1 << 20)
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw ConvertError.json(file: path, error)
        }
    }
}
