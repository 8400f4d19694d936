import ArgumentParser
import Foundation
import TernBytes
import TernModel
import TernPlatform

struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Makes an Ed25519 key pair for signing models.",
        discussion: """
            Writes the secret key to KEY, readable by its owner alone, and the public key to KEY.pub; devices trust the second.

            Example:
              tern keygen signing.key
            """)
    @Argument(help: "Secret key file to write.") var key: String

    func run() throws {
        try reporting {
            for path in [key, key + ".pub"] where FileManager.default.fileExists(atPath: path) {
                throw Failure(.badInput, "\(path) exists and is not overwritten; choose another name or move it away")
            }
            let pair: Ed25519.KeyPair
            do throws(PlatformError) { pair = try Ed25519.makeKeyPair() } catch { throw Failure(.fault, "no key could be made: \(words(error))") }
            try writeFile(Array((Hexadecimal.string(pair.secretKey) + "\n").utf8), to: key, isPrivate: true)
            try writeFile(Array((Hexadecimal.string(pair.publicKey) + "\n").utf8), to: key + ".pub")
            print("\(key): secret, keep it off devices\n\(key).pub: \(Hexadecimal.string(pair.publicKey))")
        }
    }
}

struct SignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Signs a model file; its identity stays the same.",
        discussion: """
            Example:
              tern sign vit.tern --key signing.key
            """)
    @Argument(help: "Model file.") var model: String
    @Option(help: "Secret key of tern keygen.") var key: String
    @Option(name: [.short, .long], help: "File to write. Default: the model file itself, replaced whole or not at all.") var output: String?

    func run() throws {
        try reporting {
            let mapping = try mapFile(model)
            var bytes = [UInt8]()
            let span = mapping.bytes
            bytes.reserveCapacity(span.byteCount)
            for index in 0..<span.byteCount { bytes.append(span.uint8(at: index)) }
            try signBytes(&bytes, keyPath: key)
            try writeFile(bytes, to: output ?? model)
            let signed = try openModel(output ?? model)
            guard case .valid(let publicKey) = signed.signature else { throw Failure(.fault, "the signature did not verify") }
            print("\(output ?? model): signed by \(Hexadecimal.string(publicKey))\nidentity \(Hexadecimal.string(signed.identity))")
        }
    }
}

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks a model file as a device does: every rule, every digest, the signature.",
        discussion: """
            Exit code 0 only for a valid file signed by the key (any valid key when --key is left out).

            Example:
              tern verify vit.tern --key signing.key.pub
            """)
    @Argument(help: "Model file.") var model: String
    @Option(help: "Public key that must have signed: a .pub file or 64 hexadecimal digits.") var key: String?

    func run() throws {
        try reporting {
            let file = try openModel(model)
            guard case .valid(let found) = file.signature else {
                throw Failure(.badInput, "\(model) is valid but not signed; sign it with: tern sign \(model) --key KEY")
            }
            if let key {
                let text = Hexadecimal.bytes(key) != nil ? key : String(decoding: try readBytes(key, limit: 4096), as: UTF8.self)
                let digits = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
                guard let expected = Hexadecimal.bytes(digits), expected.count == Ed25519.publicKeyByteCount else {
                    throw Failure(.badInput, "\(key) is neither a public key file nor 64 hexadecimal digits")
                }
                guard expected == found else {
                    throw Failure(.badInput, "\(model) is signed by \(Hexadecimal.string(found)), not by the given key")
                }
            }
            print("\(model): valid, signed by \(Hexadecimal.string(found))\nidentity \(Hexadecimal.string(file.identity))")
        }
    }
}
