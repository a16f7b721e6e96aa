namespace Lema.Cli.Terminals;

/// <summary>
/// Keys of the terminal, one by one, for as long as a line is typed. Ctrl-C is a key meanwhile, also between two of them: as a signal it would not wake the wait for a
/// key, and would throw away what was typed ahead.
/// </summary>
internal sealed class KeySession(Func<ConsoleKeyInfo?> next, Action end) : IDisposable
{
    public static KeySession OfProcess()
    {
        Console.TreatControlCAsInput = true;
        return new KeySession(() => Console.ReadKey(intercept: true), () => Console.TreatControlCAsInput = false);
    }

    /// <summary>The next key; null at the end of input.</summary>
    public ConsoleKeyInfo? Next() => next();

    public void Dispose() => end();
}
