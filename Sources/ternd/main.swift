import TernPlatform

Process.keepFreedMemory()
Process.exit(run(Process.arguments).rawValue)
