//! What is done in Redis, in Lua: each script is done whole, with no other between.
//!
//! Every script that writes begins with [`FENCE`]: it does nothing for a connection that is not this node's last one. So a
//! write that was long on its way, when the server has connected again meanwhile, comes too late instead of undoing a newer
//! one; and of two servers with one node name one writes. The scripts make their keys from the prefix, which a Redis
//! Cluster does not allow.

/// `p`: the prefix of every key, `node`: this server's name. Behind them the script's own arguments.
const HEAD: &str = "local p, node, fence = ARGV[1], ARGV[2], ARGV[3]\n";

const FENCE: &str = "if redis.call('GET', p .. 'node:' .. node) ~= fence then \
    return redis.error_reply('FENCED another connection writes for this node') end\n";

/// Revokes all tokens of a player.
const REVOKE_ALL: &str = "local function revoke_all(player)\n\
    local of = p .. 'tokens_of:' .. player\n\
    for _, hash in ipairs(redis.call('SMEMBERS', of)) do redis.call('DEL', p .. 'token:' .. hash) end\n\
    redis.call('DEL', of)\n\
    end\n";

/// Revokes one token; whether there was one.
const REVOKE: &str = "local function revoke(hash)\n\
    local key = p .. 'token:' .. hash\n\
    local player = redis.call('HGET', key, 'player')\n\
    if not player then return 0 end\n\
    redis.call('DEL', key)\n\
    redis.call('SREM', p .. 'tokens_of:' .. player, hash)\n\
    return 1\n\
    end\n";

pub(super) struct Script {
    pub(super) text: fn() -> String,
}

macro_rules! scripts {
    ($($(#[$doc:meta])+ $name:ident = $($part:expr),+;)+) => {
        $($(#[$doc])+ pub(super) const $name: Script = Script { text: || [HEAD, $($part),+].concat() };)+
    };
}

scripts! {
    /// Takes the node's name for a new connection: owner, milliseconds. 0 where another server has it.
    ACQUIRE = "local key = p .. 'node:' .. node\n\
        local held = redis.call('GET', key)\n\
        if held and string.sub(held, 1, #ARGV[4]) ~= ARGV[4] then return 0 end\n\
        redis.call('SET', key, fence, 'PX', ARGV[5])\n\
        return 1";
    /// Keeps it: milliseconds. It writes as everything does, so it fails where nothing can be written.
    RENEW = FENCE, "redis.call('SET', p .. 'node:' .. node, fence, 'PX', ARGV[4])\n\
        return 1";
    /// Gives it back.
    RELEASE = FENCE, "return redis.call('DEL', p .. 'node:' .. node)";
    /// Makes an account: folded name, the record behind its number. The number, or 0 where the name is taken.
    CREATE = FENCE, "if redis.call('HEXISTS', p .. 'accounts', ARGV[4]) == 1 then return 0 end\n\
        local id = string.format('%.0f', redis.call('INCR', p .. 'last_player'))\n\
        redis.call('HSET', p .. 'accounts', ARGV[4], '{\"id\":' .. id .. ARGV[5])\n\
        redis.call('HSET', p .. 'account_names', id, ARGV[4])\n\
        redis.call('ZADD', p .. 'account_order', 0, ARGV[4])\n\
        return tonumber(id)";
    /// Replaces an account's record, where it is still the one that was read: number, folded name, the record that was read,
    /// the new one. 0 where it is not.
    REPLACE = FENCE, REVOKE_ALL, "if redis.call('HGET', p .. 'accounts', ARGV[5]) ~= ARGV[6] then return 0 end\n\
        redis.call('HSET', p .. 'accounts', ARGV[5], ARGV[7])\n\
        revoke_all(ARGV[4])\n\
        return 1";
    /// Deletes an account: number. 0 where there is none.
    DELETE = FENCE, REVOKE_ALL, "local folded = redis.call('HGET', p .. 'account_names', ARGV[4])\n\
        if not folded then return 0 end\n\
        redis.call('HDEL', p .. 'accounts', folded)\n\
        redis.call('HDEL', p .. 'account_names', ARGV[4])\n\
        redis.call('ZREM', p .. 'account_order', folded)\n\
        revoke_all(ARGV[4])\n\
        return 1";
    /// The record of the account with this number.
    ACCOUNT = "local folded = redis.call('HGET', p .. 'account_names', ARGV[4])\n\
        return folded and redis.call('HGET', p .. 'accounts', folded)";
    /// A page of accounts: `-` or `(` and a folded name, how many.
    ACCOUNTS = "local page = {}\n\
        for _, folded in ipairs(redis.call('ZRANGEBYLEX', p .. 'account_order', ARGV[4], '+', 'LIMIT', 0, ARGV[5])) do\n\
        page[#page + 1] = redis.call('HGET', p .. 'accounts', folded) or ''\n\
        end\n\
        return page";
    /// Keeps a token, as this node's: hash, player, name, 1 for a guest, second of expiry, seconds until then. 0 where the
    /// account is banned, is not there, or cannot be read.
    PUT_TOKEN = FENCE, REVOKE, "revoke(ARGV[4])\n\
        if tonumber(ARGV[9]) <= 0 then return 0 end\n\
        if ARGV[7] == '0' then\n\
        local folded = redis.call('HGET', p .. 'account_names', ARGV[5])\n\
        local record = folded and redis.call('HGET', p .. 'accounts', folded)\n\
        local is_read, account = pcall(cjson.decode, record or '')\n\
        if not is_read or type(account) ~= 'table' or account['banned'] then return 0 end\n\
        end\n\
        local key, of = p .. 'token:' .. ARGV[4], p .. 'tokens_of:' .. ARGV[5]\n\
        redis.call('HSET', key, 'player', ARGV[5], 'name', ARGV[6], 'guest', ARGV[7], 'expires', ARGV[8], 'node', node)\n\
        redis.call('EXPIRE', key, ARGV[9])\n\
        redis.call('SADD', of, ARGV[4])\n\
        if redis.call('TTL', of) < tonumber(ARGV[9]) then redis.call('EXPIRE', of, ARGV[9]) end\n\
        return 1";
    /// Revokes a token: hash.
    REVOKE_TOKEN = FENCE, REVOKE, "return revoke(ARGV[4])";
    /// Revokes a player's tokens: player.
    REVOKE_TOKENS = FENCE, REVOKE_ALL, "revoke_all(ARGV[4])\n\
        return 1";
    /// A step through a hash of the node's: which, cursor, how many fields it looks at. The next cursor, and fields and
    /// sizes of their values in turn.
    SIZES = "local found = redis.call('HSCAN', p .. ARGV[4] .. ':' .. node, ARGV[5], 'COUNT', ARGV[6])\n\
        for i = 2, #found[2], 2 do found[2][i] = #found[2][i] end\n\
        return found";
    /// Changes rooms: the highest number among them, then three arguments each: what, number, record or reason.
    SAVE_ROOMS = FENCE, "local rooms, aside = p .. 'rooms:' .. node, p .. 'rooms_set_aside:' .. node\n\
        for i = 5, #ARGV, 3 do\n\
        local what, id, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]\n\
        if what == 'saved' then redis.call('HSET', rooms, id, value)\n\
        elseif what == 'gone' then redis.call('HDEL', rooms, id)\n\
        else\n\
        redis.call('HSET', aside, id, value)\n\
        local record = redis.call('HGET', rooms, id)\n\
        if record then redis.call('HSET', aside .. ':records', id, record) end\n\
        redis.call('HDEL', rooms, id)\n\
        end\n\
        end\n\
        local last = p .. 'last_room:' .. node\n\
        if tonumber(ARGV[4]) > tonumber(redis.call('GET', last) or '0') then redis.call('SET', last, ARGV[4]) end\n\
        return 1";
    /// Gives player numbers: how many. The last one.
    RESERVE = FENCE, "return redis.call('INCRBY', p .. 'last_player', ARGV[4])";
}
