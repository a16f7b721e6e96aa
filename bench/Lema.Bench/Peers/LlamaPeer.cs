using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Lema.Engine.Errors;

namespace Lema.Bench.Peers;

/// <summary>
/// llama.cpp in a process of its own, by turns with ours: its OpenMP threads and our helpers watch for work, each set on the processors that the other needs.
/// Between its turns it waits for a line of input.
/// </summary>
internal sealed class LlamaPeer : IDisposable
{
    private readonly Process _process;

    /// <exception cref="InvalidInputException">It could not load the model.</exception>
    public LlamaPeer(string file, IReadOnlyList<int> prompt, int newTokens)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])[typeof(LlamaPeer).Assembly.Location, LlamaChild.Command, file]) start.ArgumentList.Add(argument);
        foreach (int number in (IEnumerable<int>)[newTokens, .. prompt]) start.ArgumentList.Add(number.ToString(CultureInfo.InvariantCulture));
        _process = Process.Start(start)!;
        Greeting = Read<LlamaGreeting>();
    }

    public LlamaGreeting Greeting { get; }

    public LlamaReply Decode()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
        return Read<LlamaReply>();
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private T Read<T>() => JsonSerializer.Deserialize<T>(
        _process.StandardOutput.ReadLine() ?? throw new InvalidInputException("bench/run decode", "llama.cpp", "its process ended; what it said is above"))!;
}
