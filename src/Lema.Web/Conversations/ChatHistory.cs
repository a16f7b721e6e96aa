using System.Text.Json;
using Microsoft.JSInterop;

namespace Lema.Web.Conversations;

/// <summary>
/// The conversations that this browser keeps, so that they outlive a page, a reload and the dashboard itself. Nothing of them stays with the dashboard; signing
/// out removes them. Lives as long as a page's circuit.
/// </summary>
public sealed class ChatHistory(IJSRuntime js) : IAsyncDisposable
{
    /// <summary>Bytes of a conversation that are read back at the most.</summary>
    private const long LargestChat = 4 << 20;

    private Task<IJSObjectReference>? _module;

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<ChatHead>> ListAsync() => await (await Module()).InvokeAsync<ChatHead[]>("list");

    /// <summary>Null where the browser has no such conversation, or one that this version cannot read.</summary>
    public async Task<KeptChat?> OpenAsync(string id)
    {
        if ((await ListAsync()).All(head => head.Id != id)) return null;
        // As a stream: a long conversation is larger than a message of the circuit may be.
        await using IJSStreamReference text = await (await Module()).InvokeAsync<IJSStreamReference>("open", id);
        await using Stream stream = await text.OpenReadStreamAsync(LargestChat);
        try
        {
            return await JsonSerializer.DeserializeAsync<KeptChat>(stream);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public async Task KeepAsync(KeptChat chat)
    {
        try
        {
            await (await Module()).InvokeVoidAsync("keep", chat.Head, JsonSerializer.Serialize(chat));
        }
        catch (JSDisconnectedException)
        {
            // The browser left in the middle of a reply.
        }
    }

    public async Task ForgetAsync(string id) => await (await Module()).InvokeVoidAsync("forget", id);

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_module is not null) await (await _module).DisposeAsync();
        }
        catch (Exception gone) when (gone is JSDisconnectedException or TaskCanceledException)
        {
            // The browser has gone, and the module with it.
        }
    }

    private Task<IJSObjectReference> Module() => _module ??= js.InvokeAsync<IJSObjectReference>("import", "./js/chats.js").AsTask();
}
