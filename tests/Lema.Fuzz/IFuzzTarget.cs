namespace Lema.Fuzz;

/// <summary>A parser of untrusted input. Whatever it is given it takes, or refuses with a typed error.</summary>
public interface IFuzzTarget
{
    string Name { get; }

    /// <summary>Inputs to begin with.</summary>
    IEnumerable<byte[]> Corpus();

    /// <summary>Pieces that inputs are made of.</summary>
    IReadOnlyList<byte[]> Dictionary { get; }

    /// <summary>Parses the input.</summary>
    /// <returns>What became of it: a word for what was taken, or the shape of the refusal. A new one makes an input worth keeping.</returns>
    /// <exception cref="Exception">Anything that leaves this method is a bug of the parser.</exception>
    string Parse(byte[] input);

    /// <summary>Puts right what almost every change breaks, such as a length before the text, so that the rest of the parser is reached too.</summary>
    byte[] Mend(byte[] input);
}
