-- Accounts of a thingbench run: d000000 to d999999 and collector, all with the one password of the run.
-- Nobody is registered and nothing is stored. SPDX-License-Identifier: Apache-2.0

local new_sasl = require "util.sasl".new;
local derive_keys = require "util.sasl.scram".hashers["SHA-256"];
local equals = require "util.hashes".equals;
local random_bytes = require "util.random".bytes;

local password = assert(module:get_option_string("thingbench_password"), "thingbench_password is not set");

-- The least that RFC 7677 section 4 asks for.
local iterations = 4096;
-- One salt per run: the keys are derived once, as a server does that stores SCRAM keys instead of passwords.
local salt = random_bytes(16);
local derived, stored_key, server_key = derive_keys(password, salt, iterations);
assert(derived, stored_key);

local function known(username)
	return username == "collector" or username:match("^d%d%d%d%d%d%d$") ~= nil;
end

local provider = {};

function provider.user_exists(username)
	return known(username);
end

function provider.test_password(username, given)
	return known(username) and equals(given, password);
end

local profile = {
	-- The second value says whether the account is enabled; nil is for one that does not exist.
	plain_test = function (_, username, given)
		return provider.test_password(username, given), known(username) or nil;
	end;
	scram_sha_256 = function (_, username)
		if not known(username) then return nil; end
		return stored_key, server_key, iterations, salt, true;
	end;
};

function provider.get_sasl_handler()
	return new_sasl(module.host, profile);
end

module:provides("auth", provider);
