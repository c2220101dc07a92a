# gem install rackup webrick && rackup endpoint.rb
require 'base64'
require 'json'
require 'openssl'

SECRET = Base64.decode64(ENV.fetch('WEBHOOK_SECRET', '').delete_prefix('whsec_'))
abort 'Set WEBHOOK_SECRET.' if SECRET.empty?

def valid_signature?(env, body)
  id, timestamp = env['HTTP_WEBHOOK_ID'], env['HTTP_WEBHOOK_TIMESTAMP']
  return false if (Time.now.to_i - timestamp.to_i).abs > 300

  digest = OpenSSL::HMAC.digest('SHA256', SECRET, "#{id}.#{timestamp}.#{body}")
  expected = "v1,#{Base64.strict_encode64(digest)}"
  env['HTTP_WEBHOOK_SIGNATURE'].to_s.split.any? { |one| OpenSSL.secure_compare(one, expected) }
end

Endpoint = lambda do |env|
  body = env['rack.input'].read # the raw bytes: the signature covers them
  next [401, {}, []] unless valid_signature?(env, body)

  message = JSON.parse(body)
  next [200, {}, [message['payload']]] if message['event'] == 'webhook:verify' # the handshake

  puts message['event'] # your code
  [200, {}, []]
end
