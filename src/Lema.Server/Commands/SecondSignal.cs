using System.Runtime.InteropServices;

namespace Lema.Server.Commands;

/// <summary>
/// The first SIGTERM or SIGINT is the host's, which lets workers save. Whoever sends a second does not want to wait: the program ends at once, its workers with it, and
/// their runs go on from the last checkpoint.
/// </summary>
internal sealed class SecondSignal : IDisposable
{
    private const int EndedBySignal = 128, SigInt = 2, SigTerm = 15;

    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    public SecondSignal() => _registrations = [Register(PosixSignal.SIGTERM, SigTerm), Register(PosixSignal.SIGINT, SigInt)];

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    private PosixSignalRegistration Register(PosixSignal signal, int number) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _count) > 1) Environment.Exit(EndedBySignal + number);
    });
}
